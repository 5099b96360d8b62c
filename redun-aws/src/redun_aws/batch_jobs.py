"""The jobs in queues of AWS Batch: which there are, what is known of them, ending them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from redun.errors import ConfigError, UsageError

from redun_aws.errors import AwsError, aws_errors
from redun_aws.sessions import client

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from mypy_boto3_batch import BatchClient
    from redun.config import Config

UNFINISHED = ("SUBMITTED", "PENDING", "RUNNABLE", "STARTING", "RUNNING")
STATUSES = (*UNFINISHED, "SUCCEEDED", "FAILED")
EXECUTOR_TYPE = "aws_batch"
NAME_PREFIX = "redun-job"
"""What the names of jobs begin with where an executor's section does not say otherwise."""
EXECUTION_TAG = "redun_execution_id"
_DESCRIBED_AT_ONCE = 100  # as many as DescribeJobs takes


@dataclass(frozen=True, slots=True)
class Queue:
    """A job queue, and whose jobs in it are meant."""

    name: str
    region: str | None
    prefix: str
    """What the names of the jobs begin with."""

    @property
    def client(self) -> BatchClient:
        """The client for it."""
        found: BatchClient = client("batch", self.region)
        return found


@dataclass(frozen=True, slots=True)
class BatchJob:
    """A job in a queue."""

    queue: Queue
    summary: dict[str, Any]
    """What AWS lists of it: `jobId`, `jobName`, `status`, `createdAt` in milliseconds, and more."""

    @property
    def id(self) -> str:
        """The id that AWS gave it."""
        return str(self.summary["jobId"])


def configured_queues(config: Config) -> list[Queue]:
    """The queues of the `aws_batch` executors of a configuration, each once. Those with `debug` have no jobs in AWS.

    Raises `ConfigError` for an executor without a queue.
    """
    queues: dict[Queue, None] = {}
    for name in config.section_names("executors."):
        section = config.section(name)
        if section is None or section.get("type") != EXECUTOR_TYPE or section.getboolean("debug", fallback=False):
            continue
        queue = section.get("queue")
        if not queue:
            raise ConfigError(f"{config.parser.describe(name)}: it has no option `queue`")
        queues[Queue(queue, section.get("aws_region"), section.get("job_name_prefix") or NAME_PREFIX)] = None
    return list(queues)


def read_statuses(text: str | None, default: Sequence[str]) -> tuple[str, ...]:
    """The statuses that a text with commas between them names, in any case.

    Raises `UsageError` for a word that is none of them.
    """
    words = [word.strip().upper() for word in (text or "").split(",") if word.strip()]
    wrong = [word for word in words if word not in STATUSES]
    if wrong:
        raise UsageError(f"{wrong[0]!r} is no status of a job. There are {', '.join(STATUSES)}")
    return tuple(words) or tuple(default)


def list_jobs(queues: Iterable[Queue], statuses: Iterable[str]) -> list[BatchJob]:
    """The jobs in queues that are in one of some statuses, newest first.

    Raises `AwsError` for a queue that does not exist or cannot be looked at.
    """
    wanted, found = tuple(statuses), {}
    for queue in queues:
        with aws_errors(f"the job queue {queue.name!r}"):
            for summary in _listed(queue, wanted):
                # One that changes its status meanwhile may be listed twice.
                found[summary["jobId"]] = BatchJob(queue, summary)
    return sorted(found.values(), key=lambda job: job.summary.get("createdAt", 0), reverse=True)


def _listed(queue: Queue, statuses: Iterable[str]) -> Iterator[dict[str, Any]]:
    pages = queue.client.get_paginator("list_jobs")
    for status in statuses:
        known: Any = status
        for page in pages.paginate(jobQueue=queue.name, jobStatus=known):
            for summary in page["jobSummaryList"]:
                if summary["jobName"].startswith(queue.prefix):
                    yield dict(summary)


def describe(jobs: Iterable[BatchJob]) -> dict[str, dict[str, Any]]:
    """All that AWS knows of jobs, by their ids; those that it has forgotten are left out. A call for each 100 jobs.

    Raises `AwsError` where they cannot be looked at.
    """
    by_region: dict[str | None, list[BatchJob]] = {}
    for job in jobs:
        by_region.setdefault(job.queue.region, []).append(job)
    found = {}
    for group in by_region.values():
        for start in range(0, len(group), _DESCRIBED_AT_ONCE):
            ids = [job.id for job in group[start : start + _DESCRIBED_AT_ONCE]]
            with aws_errors("jobs of AWS Batch"):
                answer = group[0].queue.client.describe_jobs(jobs=ids)
            found.update({str(one["jobId"]): dict(one) for one in answer["jobs"]})
    return found


def with_tags(jobs: Sequence[BatchJob], tags: Sequence[tuple[str, str]], execution: str | None) -> list[BatchJob]:
    """The jobs that have all of these tags, and that of an execution whose id begins like this."""
    if not tags and not execution:
        return list(jobs)
    known = describe(jobs)

    def is_wanted(job: BatchJob) -> bool:
        own: dict[str, str] = known.get(job.id, {}).get("tags", {})
        if execution and not own.get(EXECUTION_TAG, "").startswith(execution):
            return False
        return all(own.get(key) == value for key, value in tags)

    return [job for job in jobs if is_wanted(job)]


def kill(job: BatchJob, reason: str) -> AwsError | None:
    """End a job, whatever it is at; an array with all its children. Returns why it cannot be ended."""
    try:
        with aws_errors(f"the job {job.id}"):
            job.queue.client.terminate_job(jobId=job.id, reason=reason)
    except AwsError as error:
        return error
    return None
