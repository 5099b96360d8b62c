"""Calls that fail now and then, and calls that take too long."""

import time
from pathlib import Path

from redun import catch, task
from redun.errors import JobTimeoutError

redun_namespace = "retries"


class UnavailableError(Exception):
    """The service has no time for us at the moment."""


@task(max_retries=3, retry_delay=0.1, retry_backoff=2, retry_on=[UnavailableError])
def fetch(name: str, failures: int) -> str:
    """Stands for a service that is unavailable a few times before it answers. A file counts how often it was asked."""
    log = Path(f"asked_{name}.txt")
    asked = len(log.read_text().splitlines()) if log.exists() else 0
    with log.open("a") as file:
        file.write("asked\n")
    if asked < failures:
        raise UnavailableError(f"{name} was asked {asked + 1} times")
    return f"{name} after {asked + 1} attempts"


@task(job_timeout=0.5)
def slow(seconds: float) -> str:
    time.sleep(seconds)
    return "in time"


@task
def give_up(error: Exception) -> str:
    return f"gave up: {type(error).__name__}"


@task
def main() -> list[str]:
    return [
        fetch("weather", failures=2),
        catch(fetch("traffic", failures=9), UnavailableError, give_up),
        catch(slow(2), JobTimeoutError, give_up),
        slow(0),
    ]
