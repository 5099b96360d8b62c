"""`redun aws logs`: whose logs are meant, and how they are shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import click
from redun.errors import UsageError

from redun_aws.batch_jobs import STATUSES, configured_queues, describe, list_jobs, read_statuses
from redun_aws.batch_logs import children, log_streams, read_log, read_since
from redun_aws.commands import configuration, queues_of
from redun_aws.errors import aws_errors
from redun_aws.sessions import client

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from mypy_boto3_batch import BatchClient
    from redun.cli.app import App

JOB_TAG, STREAM_TAG = "aws_batch_job", "aws_log_stream"
"""What the executor leaves at the jobs in the repository."""


class Log(NamedTuple):
    """A log to be shown."""

    stream: str
    region: str | None
    job: str | None = None
    """The job of redun."""
    batch_job: str | None = None


def show_logs(
    app: App,
    jobs: Sequence[str],
    batch_jobs: Sequence[str],
    streams: Sequence[str],
    every: bool,
    status: str | None,
    since: str | None,
    tail: int | None,
    region: str | None,
) -> None:
    """Print the logs, each below a heading. Raises `UsageError` where no job is named, or one is not known."""
    if not (jobs or batch_jobs or streams or every):
        raise UsageError("whose logs? Name them with --job, --batch-job or --log-stream, or all of them with --all")
    if status and not every:
        raise UsageError("--status chooses among --all jobs")
    start = read_since(since)
    regions = _regions(app, region)
    statuses = read_statuses(status, STATUSES)
    for text in jobs:
        for log in _of_redun_job(app, text, regions):
            _show(log, start, tail)
    for batch_job in batch_jobs:
        for log in _of_batch_job(batch_job, regions):
            _show(log, start, tail)
    for stream in streams:
        _show(Log(stream, regions[0]), start, tail)
    if every:
        for log in _of_all(app, statuses):
            _show(log, start, tail)


def _regions(app: App, region: str | None) -> list[str | None]:
    if region is not None:
        return [region]
    return list(dict.fromkeys(queue.region for queue in configured_queues(configuration(app)))) or [None]


def _of_redun_job(app: App, text: str, regions: Sequence[str | None]) -> Iterator[Log]:
    from redun.provenance import Repository

    with Repository(app.open_backend()) as repository:
        job = repository.job(text)
        tags, name = job.tags, job.id
    streams = [str(value) for key, value in tags if key == STREAM_TAG]
    batch_jobs = [str(value) for key, value in tags if key == JOB_TAG]
    if not streams and not batch_jobs:
        raise UsageError(f"the job {name} was not run by AWS Batch: it has no tag {JOB_TAG}")
    for stream in streams:
        yield Log(stream, regions[0], name, ", ".join(batch_jobs) or None)
    for batch_job in batch_jobs if not streams else ():
        for log in _of_batch_job(batch_job, regions):
            yield log._replace(job=name)


def _of_batch_job(job_id: str, regions: Sequence[str | None]) -> Iterator[Log]:
    for region in regions:
        batch: BatchClient = client("batch", region)
        with aws_errors(f"the job {job_id}"):
            found = batch.describe_jobs(jobs=[job_id])["jobs"]
        if found:
            yield from _logs_of(batch, dict(found[0]), region)
            return
    raise UsageError(f"AWS Batch knows no job {job_id}. It forgets jobs some days after they have ended")


def _of_all(app: App, statuses: Sequence[str]) -> Iterator[Log]:
    jobs = list_jobs(queues_of(app), statuses)
    known = describe(jobs)
    for job in jobs:
        if job.id in known:
            yield from _logs_of(job.queue.client, known[job.id], job.queue.region)


def _logs_of(batch: BatchClient, job: dict[str, Any], region: str | None) -> Iterator[Log]:
    for child in children(batch, job):
        streams = log_streams(child)
        if not streams:
            click.echo(f"# AWS Batch job {child['jobId']} has written nothing ({child.get('status')})")
        for stream in streams:
            yield Log(stream, region, batch_job=str(child["jobId"]))


def _show(log: Log, since: datetime | None, tail: int | None) -> None:
    """Print a log below a heading of lines that begin with `#`."""
    lines = read_log(log.stream, log.region, since, tail)
    if log.job:
        click.echo(f"# redun job {log.job}")
    if log.batch_job:
        click.echo(f"# AWS Batch job {log.batch_job}")
    click.echo(f"# AWS log stream {log.stream}")
    for line in lines:
        click.echo(f"{line.time.astimezone():%Y-%m-%d %H:%M:%S}  {line.text}")
    click.echo("")
