"""`redun aws`: which jobs it lists and kills, and which logs it shows."""

from __future__ import annotations

import io
import itertools
import json
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import moto.batch.models as batch_models
import pytest
from redun.cli import main

EXECUTION = "5a1c9f6e-0000-4000-8000-000000000001"
numbers = itertools.count()


class StandingJob(batch_models.Job):
    """A job of the protocol server that stands where a test puts it, instead of looking for a container engine."""

    __module__ = batch_models.__name__  # by which the server files it

    @property
    def status(self) -> Any:
        return self._status

    @status.setter
    def status(self, value: Any) -> None:
        self._status = value

    def run(self) -> None:
        """Nothing."""

    def terminate(self, reason: str) -> None:
        self.status, self.job_stopped_reason = "FAILED", reason


class Batch:
    """A job queue, and jobs in it."""

    def __init__(self, make_client: Any) -> None:
        self.client, self.logs = make_client("batch"), make_client("logs")
        role = make_client("iam").create_role(RoleName=f"role-{next(numbers)}", AssumeRolePolicyDocument="{}")
        name = f"environment-{next(numbers)}"
        environment = self.client.create_compute_environment(
            computeEnvironmentName=name, type="UNMANAGED", state="ENABLED", serviceRole=role["Role"]["Arn"]
        )["computeEnvironmentArn"]
        self.queue = f"queue-{next(numbers)}"
        self.client.create_job_queue(
            jobQueueName=self.queue,
            state="ENABLED",
            priority=1,
            computeEnvironmentOrder=[{"order": 1, "computeEnvironment": environment}],
        )
        self.definition = f"definition-{next(numbers)}"
        self.client.register_job_definition(
            jobDefinitionName=self.definition,
            type="container",
            containerProperties={"image": "x", "vcpus": 1, "memory": 512, "command": ["x"]},
        )

    def job(self, name: str, status: str = "RUNNING", **options: Any) -> str:
        """A job with a name, as another status; its id."""
        job_id: str = self.client.submit_job(
            jobName=name, jobQueue=self.queue, jobDefinition=self.definition, **options
        )["jobId"]
        job = batch_models.batch_backends["123456789012"]["us-east-1"].get_job_by_id(job_id)
        assert job is not None
        job.status = status
        job.job_created_at = job.job_created_at.replace(microsecond=0, year=2000 + next(numbers))
        return job_id

    def status(self, job_id: str) -> tuple[str, str]:
        [job] = self.client.describe_jobs(jobs=[job_id])["jobs"]
        return job["status"], job.get("statusReason", "")

    def write(self, job_id: str, *lines: str, ago: float = 0) -> str:
        """Have a job write lines, some seconds ago; the name of its log stream."""
        job = batch_models.batch_backends["123456789012"]["us-east-1"].get_job_by_id(job_id)
        assert job is not None
        if not self.logs.describe_log_groups(logGroupNamePrefix="/aws/batch/job")["logGroups"]:
            self.logs.create_log_group(logGroupName="/aws/batch/job")
        if job.log_stream_name is None or not job.log_stream_name.startswith("test/"):
            job.log_stream_name = f"test/default/{job_id}"
            self.logs.create_log_stream(logGroupName="/aws/batch/job", logStreamName=job.log_stream_name)
        now = int((time.time() - ago) * 1000)
        events = [{"timestamp": now, "message": line} for line in lines]
        self.logs.put_log_events(logGroupName="/aws/batch/job", logStreamName=job.log_stream_name, logEvents=events)
        return str(job.log_stream_name)


@pytest.fixture(scope="module", autouse=True)
def standing_jobs() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(batch_models, "Job", StandingJob)
        yield


@pytest.fixture
def batch(make_client: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Batch:
    """A queue that the configuration in the working directory names."""
    found = Batch(make_client)
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".redun").mkdir()
    (tmp_path / ".redun/redun.ini").write_text(
        f"""
[executors.batch]
type = aws_batch
queue = {found.queue}
aws_region = us-east-1

[executors.again]
type = aws_batch
queue = {found.queue}
aws_region = us-east-1

[executors.tried_here]
type = aws_batch
queue = no-such-queue
debug = True
"""
    )
    return found


@pytest.fixture
def redun(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Runs the command; its exit code and what it prints."""

    def redun(*words: str) -> tuple[int, str, str]:
        code = 0
        try:
            main(list(words))
        except SystemExit as end:
            code = int(end.code or 0)
        return code, *capsys.readouterr()

    return redun


def listed(redun: Any, *words: str) -> list[str]:
    code, output, problems = redun("aws", "list-jobs", *words)
    assert (code, problems) == (0, "")
    return [json.loads(line)["jobName"] for line in output.splitlines()]


def test_jobs_are_listed_newest_first_a_json_object_a_line(batch: Batch, redun: Any) -> None:
    ids = [
        batch.job(f"redun-job-{name}", status)
        for name, status in [("a", "RUNNING"), ("b", "FAILED"), ("c", "RUNNABLE")]
    ]
    batch.job("somebody-else")
    code, output, _ = redun("aws", "list-jobs")
    assert code == 0
    rows = [json.loads(line) for line in output.splitlines()]
    assert [row["jobId"] for row in rows] == ids[::-1]
    assert [row["status"] for row in rows] == ["RUNNABLE", "FAILED", "RUNNING"]
    assert {row["jobQueue"] for row in rows} == {batch.queue}


def test_they_are_chosen_by_status_name_execution_and_tag(batch: Batch, redun: Any) -> None:
    batch.job("redun-job-a", tags={"redun_execution_id": EXECUTION, "redun_task_name": "t"})
    batch.job("redun-job-b", "SUCCEEDED", tags={"redun_execution_id": EXECUTION})
    batch.job("redun-job-c", tags={"redun_execution_id": "another"})
    batch.job("other-d")
    assert listed(redun, "--status", "running,Failed") == ["redun-job-c", "redun-job-a"]
    assert listed(redun, "-s", "SUCCEEDED", "--json") == ["redun-job-b"]
    assert listed(redun, "--execution", EXECUTION[:8]) == ["redun-job-b", "redun-job-a"]
    assert listed(redun, "-e", EXECUTION, "-t", "redun_task_name=t") == ["redun-job-a"]
    assert listed(redun, "--name", "other") == ["other-d"]
    assert len(listed(redun, "--name", "")) == 4
    assert len(listed(redun, "--queue", batch.queue, "--region", "us-east-1")) == 3


def test_a_terminal_is_shown_a_table(batch: Batch, redun: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    job_id = batch.job("redun-job-a")
    stdout = io.StringIO()
    stdout.isatty = lambda: True  # type: ignore[method-assign]
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", stdout)
        redun("aws", "list-jobs")
    assert stdout.getvalue().startswith(f"{job_id}  RUNNING  ")
    assert stdout.getvalue().endswith("  redun-job-a\n")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["list-jobs", "-s", "DONE"], "'DONE' is no status of a job. There are SUBMITTED"),
        (["list-jobs", "-t", "key"], "write KEY=VALUE"),
        (["list-jobs", "-q", "nowhere"], "the job queue 'nowhere': AWS answers ClientException to ListJobs"),
        (["logs"], "--job, --batch-job or --log-stream"),
        (["logs", "-b", "none"], "AWS Batch knows no job none"),
        (["logs", "-a", "--since", "soon"], "'soon' is no time"),
        (["logs", "-l", "x", "-s", "RUNNING"], "--status chooses among --all jobs"),
    ],
)
def test_mistakes_are_named(batch: Batch, redun: Any, words: list[str], message: str) -> None:
    code, output, problems = redun("aws", *words)
    assert code
    assert not output
    assert message in problems
    assert "Traceback" not in problems


def test_without_an_executor_a_queue_has_to_be_named(batch: Batch, redun: Any, tmp_path: Path) -> None:
    (tmp_path / ".redun/redun.ini").write_text("")
    for remove in (lambda: None, (tmp_path / ".redun/redun.ini").unlink):
        remove()
        code, _, problems = redun("aws", "list-jobs")
        assert code == 2
        assert "no executor of the type aws_batch is configured. Name a queue: --queue NAME" in problems
    batch.job("redun-job-a")
    assert listed(redun, "--queue", batch.queue) == ["redun-job-a"]


# Killing.


def test_jobs_are_killed_once_the_user_says_yes(batch: Batch, redun: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    running, waiting = batch.job("redun-job-a"), batch.job("redun-job-b", "RUNNABLE")
    ended, other = batch.job("redun-job-c", "SUCCEEDED"), batch.job("other")
    monkeypatch.setattr(sys, "stdin", io.StringIO("n\n"))
    code, _, problems = redun("aws", "kill-jobs")
    assert code == 1
    assert problems.endswith("Kill these 2 jobs? [y/N]: Nothing was killed.\n")
    assert batch.status(running)[0] == "RUNNING"
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\n"))
    code, output, _ = redun("aws", "kill-jobs")
    assert code == 0
    assert sorted(output.splitlines()) == sorted([f"Killed {running} redun-job-a", f"Killed {waiting} redun-job-b"])
    assert batch.status(running) == batch.status(waiting) == ("FAILED", "Killed by `redun aws kill-jobs`")
    assert [batch.status(one)[0] for one in (ended, other)] == ["SUCCEEDED", "RUNNING"]


def test_nothing_is_killed_where_nobody_can_be_asked(batch: Batch, redun: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    job_id = batch.job("redun-job-a")
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))
    assert redun("aws", "kill-jobs")[0]
    assert batch.status(job_id)[0] == "RUNNING"


def test_only_those_of_an_execution_are_killed(batch: Batch, redun: Any) -> None:
    mine = batch.job("redun-job-a", tags={"redun_execution_id": EXECUTION})
    other = batch.job("redun-job-b", tags={"redun_execution_id": "another"})
    assert redun("aws", "kill-jobs", "--yes", "--execution", EXECUTION)[0] == 0
    assert [batch.status(one)[0] for one in (mine, other)] == ["FAILED", "RUNNING"]
    code, output, problems = redun("aws", "kill-jobs", "--yes", "--execution", EXECUTION)
    assert (code, output, problems) == (0, "", "There is no such job.\n")


def test_ended_jobs_are_not_killed_again(batch: Batch, redun: Any) -> None:
    job_id = batch.job("redun-job-a", "SUCCEEDED")
    assert "no such job" in redun("aws", "kill-jobs", "--yes", "--status", "SUCCEEDED")[2]
    assert batch.status(job_id)[0] == "SUCCEEDED"


def test_one_that_cannot_be_killed_does_not_keep_the_others(
    batch: Batch, redun: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = batch.job("redun-job-a"), batch.job("redun-job-b")
    terminate = StandingJob.terminate

    def refuse(self: StandingJob, reason: str) -> None:
        if self.job_id == second:
            raise batch_models.ClientException("not that one")
        terminate(self, reason)

    monkeypatch.setattr(StandingJob, "terminate", refuse)
    code, output, problems = redun("aws", "kill-jobs", "--yes")
    assert code == 1
    assert f"Killed {first}" in output
    assert f"the job {second}: AWS answers ClientException to TerminateJob: not that one" in problems


# Logs.


def shown(redun: Any, *words: str) -> list[str]:
    """The lines that `redun aws logs` prints, without their times."""
    code, output, problems = redun("aws", "logs", *words)
    assert (code, problems) == (0, "")
    return [line if line.startswith("#") else line[21:] for line in output.splitlines() if line]


def test_the_log_of_a_batch_job_and_of_a_stream(batch: Batch, redun: Any) -> None:
    job_id = batch.job("redun-job-a")
    stream = batch.write(job_id, "one", "two", "three")
    expected = [f"# AWS Batch job {job_id}", f"# AWS log stream {stream}", "one", "two", "three"]
    assert shown(redun, "-b", job_id) == expected
    assert shown(redun, "--log-stream", stream) == expected[1:]
    assert shown(redun, "-l", stream, "--tail", "2") == [expected[1], "two", "three"]
    assert shown(redun, "-l", stream, "--tail", "20") == expected[1:]
    assert shown(redun, "-l", "none") == ["# AWS log stream none"]


def test_only_what_was_written_lately(batch: Batch, redun: Any) -> None:
    job_id = batch.job("redun-job-a")
    stream = batch.write(job_id, "old", ago=7200)
    batch.write(job_id, "new")
    assert shown(redun, "-l", stream, "--since", "1h") == [f"# AWS log stream {stream}", "new"]
    assert shown(redun, "-l", stream, "--since", "2001-01-01") == [f"# AWS log stream {stream}", "old", "new"]


def test_long_logs_are_read_to_their_ends(batch: Batch, redun: Any) -> None:
    job_id = batch.job("redun-job-a")
    stream = batch.write(job_id, *map(str, range(10_000)))
    batch.write(job_id, *map(str, range(10_000, 12_000)))
    assert shown(redun, "-l", stream)[1:] == [str(number) for number in range(12_000)]
    assert shown(redun, "-l", stream, "--tail", "11000")[1:] == [str(number) for number in range(1000, 12_000)]


def test_the_logs_of_all_jobs_of_some_statuses(batch: Batch, redun: Any) -> None:
    for name, status in (("redun-job-a", "FAILED"), ("redun-job-b", "RUNNING"), ("other", "FAILED")):
        batch.write(batch.job(name, status), f"by {name}")
    assert [line for line in shown(redun, "--all") if line.startswith("by")] == ["by redun-job-b", "by redun-job-a"]
    assert [line for line in shown(redun, "-a", "-s", "FAILED") if line.startswith("by")] == ["by redun-job-a"]


def test_a_job_of_redun_leads_to_its_log(batch: Batch, redun: Any, tmp_path: Path) -> None:
    job_id = batch.job("redun-job-a")
    stream = batch.write(job_id, "from the job")
    (tmp_path / "flow_of_batch.py").write_text(
        f"""
from redun import apply_tags, task
redun_namespace = "flow_of_batch"
@task
def main():
    return apply_tags(1, job_tags=[("aws_batch_job", "{job_id}"), ("aws_log_stream", "{stream}")])
@task
def known_by_id():
    return apply_tags(2, job_tags=[("aws_batch_job", "{job_id}")])
@task
def elsewhere():
    return 3
"""
    )
    assert redun("run", "flow_of_batch.py", "main")[0] == 0
    lines = shown(redun, "--job", "-")
    assert lines[0].startswith("# redun job ")
    assert lines[1:] == [f"# AWS Batch job {job_id}", f"# AWS log stream {stream}", "from the job"]
    assert redun("run", "flow_of_batch.py", "known_by_id")[0] == 0
    assert shown(redun, "--job", "-")[1:] == lines[1:]
    assert redun("run", "flow_of_batch.py", "elsewhere")[0] == 0
    assert "was not run by AWS Batch" in redun("aws", "logs", "--job", "-")[2]


def test_the_commands_are_listed_and_explained_without_a_configuration(
    redun: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for words in (["aws"], ["aws", "--help"], ["aws", "list-jobs", "--help"], ["help", "aws"]):
        _, output, problems = redun(*words)
        assert "Usage: redun aws" in output + problems, words
    assert not list(tmp_path.iterdir())
