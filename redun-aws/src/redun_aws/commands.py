"""`redun aws`: the jobs of AWS Batch that redun's executors have submitted, and their logs."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click
from redun.errors import ConfigError, UsageError

from redun_aws.batch_jobs import (
    STATUSES,
    UNFINISHED,
    Queue,
    configured_queues,
    kill,
    list_jobs,
    read_statuses,
    with_tags,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from redun.cli.app import App
    from redun.config import Config

    from redun_aws.batch_jobs import BatchJob

REASON = "Killed by `redun aws kill-jobs`"


@click.group()
def aws() -> None:
    """List and kill the jobs of AWS Batch executors, and show their logs."""


def choosing_jobs(command: Callable[..., None]) -> Callable[..., None]:
    """Decorator: the options that say which jobs are meant."""
    for option in reversed(
        [
            click.option("-s", "--status", metavar="STATUS,...", help=f"Of {', '.join(STATUSES)}."),
            click.option(
                "-n", "--name", metavar="PREFIX", help="Whose names begin so, instead of with job_name_prefix."
            ),
            click.option(
                "-e", "--execution", metavar="ID", help="Of this execution of redun; its first characters do."
            ),
            click.option("-t", "--tag", "tags", multiple=True, metavar="KEY=VALUE", help="With this tag in AWS."),
            click.option("-q", "--queue", multiple=True, metavar="NAME", help="In this queue, configured or not."),
            click.option("--region", metavar="REGION", help="Where the queues of --queue are."),
        ]
    ):
        command = option(command)
    return command


@aws.command("list-jobs")
@choosing_jobs
@click.option("--json", "as_json", is_flag=True, help="Print JSON, one line a job, as is done into a pipe anyway.")
@click.pass_obj
def list_jobs_command(app: App, /, status: str | None, as_json: bool, **choice: Any) -> None:
    """List jobs, newest first."""
    jobs = _chosen(app, read_statuses(status, STATUSES), **choice)
    if as_json or not sys.stdout.isatty():
        for job in jobs:
            click.echo(json.dumps({**job.summary, "jobQueue": job.queue.name}, default=str))
        return
    for job in jobs:
        click.echo(_line(job))


@aws.command("kill-jobs")
@choosing_jobs
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def kill_jobs_command(app: App, /, status: str | None, yes: bool, **choice: Any) -> None:
    """Kill jobs that have not ended: of all executors, or those that the options choose."""
    statuses = [one for one in read_statuses(status, UNFINISHED) if one in UNFINISHED]
    jobs = _chosen(app, statuses, **choice)
    if not jobs:
        click.echo("There is no such job.", err=True)
        return
    if not yes:
        for job in jobs:
            click.echo(_line(job), err=True)
        if not click.confirm(f"Kill {_number(jobs)}?", err=True):
            click.echo("Nothing was killed.", err=True)
            raise click.exceptions.Exit(1)
    failures = 0
    for job in jobs:
        error = kill(job, REASON)
        click.echo(f"Killed {job.id} {job.summary['jobName']}" if error is None else str(error), err=error is not None)
        failures += error is not None
    if failures:
        raise click.exceptions.Exit(1)


@aws.command()
@click.option("-j", "--job", "jobs", multiple=True, metavar="JOB", help="Of a job of redun; its first characters do.")
@click.option("-b", "--batch-job", "batch_jobs", multiple=True, metavar="ID", help="Of a job of AWS Batch, by its id.")
@click.option("-l", "--log-stream", "streams", multiple=True, metavar="NAME", help="A log stream of CloudWatch.")
@click.option("-a", "--all", "every", is_flag=True, help="Of all jobs that `redun aws list-jobs` lists.")
@click.option("-s", "--status", metavar="STATUS,...", help="With --all: only of jobs with these statuses.")
@click.option("--since", metavar="TIME", help="Only from then on: 15m or 2h ago, or 2031-05-28T14:00.")
@click.option("--tail", type=click.IntRange(min=1), metavar="N", help="Only the latest N lines of each log.")
@click.option("--region", metavar="REGION", help="Where the jobs are, if no executor says so.")
@click.pass_obj
def logs(app: App, /, **options: Any) -> None:
    """Show what jobs have written."""
    from redun_aws.log_command import show_logs

    show_logs(app, **options)


def _chosen(
    app: App,
    statuses: Sequence[str],
    name: str | None,
    execution: str | None,
    tags: Sequence[str],
    queue: Sequence[str],
    region: str | None,
) -> list[BatchJob]:
    pairs = [_tag(text) for text in tags]
    queues = queues_of(app, queue, region)
    if name is not None:
        queues = list(dict.fromkeys(Queue(one.name, one.region, name) for one in queues))
    return with_tags(list_jobs(queues, statuses), pairs, execution)


def configuration(app: App) -> Config:
    """The configuration, which clients are made with from now on; an empty one where there is none.

    Raises `ConfigError` for one that is wrong.
    """
    from redun.config import Config

    from redun_aws.boto_options import set_boto_config

    try:
        config = app.load_existing_config()
    except ConfigError:
        raise
    except UsageError:
        return Config()
    section = config.section("scheduler")
    set_boto_config(section.get("boto_config") if section is not None else None)
    return config


def queues_of(app: App, names: Sequence[str] = (), region: str | None = None) -> list[Queue]:
    """The queues of these names, or else those of the configured executors.

    Raises `UsageError` where there are none.
    """
    configured = configured_queues(configuration(app))
    if names:
        known = {(one.name, one.region): one for one in configured}
        return [known.get((name, region)) or Queue(name, region, "") for name in names]
    if not configured:
        raise UsageError("no executor of the type aws_batch is configured. Name a queue: --queue NAME")
    return configured


def _tag(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not key or not equals:
        raise UsageError(f"--tag {text!r}: write KEY=VALUE")
    return key, value


def _line(job: BatchJob) -> str:
    created = datetime.fromtimestamp(job.summary.get("createdAt", 0) / 1000, UTC).astimezone()
    size = job.summary.get("arrayProperties", {}).get("size")
    array = f"  (array of {size})" if size else ""
    return f"{job.id}  {job.summary['status']:<9}  {created:%Y-%m-%d %H:%M:%S}  {job.summary['jobName']}{array}"


def _number(jobs: Sequence[BatchJob]) -> str:
    return "this job" if len(jobs) == 1 else f"these {len(jobs)} jobs"
