import os
import signal
import subprocess
from pathlib import Path

from redun import Scheduler, task
from redun.remote import JobReport, JobState, PollingExecutor, RemoteLimits

redun_namespace = "background_jobs"


class BackgroundExecutor(PollingExecutor):
    limits = RemoteLimits(ids_per_describe=100, max_array_size=0)  # no arrays

    def open(self):
        self.jobs = {}

    def submit_job(self, submission):
        job = subprocess.Popen(submission.command, start_new_session=True)
        self.jobs[str(job.pid)] = job
        return str(job.pid)

    def describe_jobs(self, remote_ids):
        return {one: self.report(self.jobs[one].poll()) for one in remote_ids}

    def report(self, exit_code):
        if exit_code is None:
            return JobReport(JobState.RUNNING)
        state = JobState.FAILED if exit_code else JobState.SUCCEEDED
        return JobReport(state, exit_code=exit_code)

    def cancel_jobs(self, remote_ids):
        for one in remote_ids:
            if self.jobs[one].poll() is None:
                os.killpg(int(one), signal.SIGKILL)
                self.jobs[one].wait()


def setup_scheduler(config):
    scheduler = Scheduler(config=config)
    scratch = str(Path(config.configdir) / "scratch")
    scheduler.add_executor(
        BackgroundExecutor("background", scratch, job_monitor_interval=0.2, code_package=False, bundle_size=5)
    )
    return scheduler


@task(executor="background")
def square(number: int) -> int:
    return number * number


@task(executor="default")
def main() -> list[int]:
    return [square(number) for number in range(10)]
