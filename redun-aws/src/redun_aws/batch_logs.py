"""What jobs of AWS Batch have written: their log streams in CloudWatch."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from redun.errors import UsageError

from redun_aws.errors import Kind, aws_errors, boto_errors, error_for, reason_of
from redun_aws.sessions import client

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy_boto3_batch import BatchClient
    from mypy_boto3_logs import CloudWatchLogsClient

LOG_GROUP = "/aws/batch/job"


class LogLine(NamedTuple):
    """A line of a log."""

    time: datetime
    """In UTC."""
    text: str


def read_since(text: str | None) -> datetime | None:
    """A point in time: a time ago such as `15m`, or one as ISO 8601 writes it, local where it says no zone.

    Raises `UsageError` for anything else.
    """
    if text is None:
        return None
    from redun.types.durations import read_duration

    try:
        return datetime.now(UTC) - read_duration(text)
    except (ValueError, OverflowError):
        pass
    try:
        return datetime.fromisoformat(text.strip()).astimezone(UTC)
    except (ValueError, OverflowError):
        raise UsageError(f"{text!r} is no time: write 15m or 2h, or 2031-05-28T14:00") from None


def log_streams(job: dict[str, Any]) -> list[str]:
    """The log streams of a job's attempts, oldest first, as `DescribeJobs` tells them. A job that waits has none."""
    containers = [attempt.get("container", {}) for attempt in job.get("attempts", ())]
    streams = [one.get("logStreamName") for one in (*containers, job.get("container", {}))]
    return list(dict.fromkeys(stream for stream in streams if stream))


def children(batch: BatchClient, job: dict[str, Any]) -> list[dict[str, Any]]:
    """The jobs of an array job, or else the job itself."""
    if not job.get("arrayProperties", {}).get("size"):
        return [job]
    found: list[dict[str, Any]] = []
    with aws_errors(f"the job {job['jobId']}"):
        for number in range(0, job["arrayProperties"]["size"], 100):
            end = min(number + 100, job["arrayProperties"]["size"])
            ids = [f"{job['jobId']}:{index}" for index in range(number, end)]
            found += [dict(one) for one in batch.describe_jobs(jobs=ids)["jobs"]]
    return found


def read_log(stream: str, region: str | None, since: datetime | None = None, tail: int | None = None) -> list[LogLine]:
    """The lines of a log stream, oldest first.

    since: only what was written from then on. tail: only the latest so many lines.

    Raises `AwsError` where the log cannot be read; a stream that does not exist has no lines yet.
    """
    logs: CloudWatchLogsClient = client("logs", region)
    try:
        lines: list[LogLine] = []
        for page in _pages(logs, stream, since, from_head=tail is None):
            lines = [*page, *lines] if tail is not None else [*lines, *page]
            if tail is not None and len(lines) >= tail:
                break
    except boto_errors() as error:
        reason = reason_of(error)
        if reason.kind is Kind.MISSING:
            return []
        raise error_for(reason, f"the log stream {stream!r}") from None
    return lines[len(lines) - tail :] if tail is not None and tail < len(lines) else lines


def _pages(
    logs: CloudWatchLogsClient, stream: str, since: datetime | None, *, from_head: bool
) -> Iterator[list[LogLine]]:
    options: dict[str, Any] = {} if since is None else {"startTime": int(since.timestamp() * 1000)}
    token = "nextForwardToken" if from_head else "nextBackwardToken"
    while True:
        answer: Any = logs.get_log_events(
            logGroupName=LOG_GROUP, logStreamName=stream, startFromHead=from_head, **options
        )
        yield [
            LogLine(datetime.fromtimestamp(one["timestamp"] / 1000, UTC), one["message"]) for one in answer["events"]
        ]
        # A page may be empty before the end. It is reached where the token stays the same.
        if answer.get(token) in (None, options.get("nextToken")):
            return
        options["nextToken"] = answer[token]
