"""The task options about retries and time-outs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

MOST_RETRIES = 250


class RetryPolicy(NamedTuple):
    """When a failed call is tried again."""

    max_retries: int
    delay: float
    """Seconds before the first retry."""
    backoff: float
    """By what the delay grows from one retry to the next."""
    errors: tuple[type[BaseException], ...]
    """Classes of errors that are worth another try."""

    def delay_after(self, attempt: int) -> float:
        """Seconds to wait after an attempt, counted from 1, has failed."""
        return min(self.delay * self.backoff ** (attempt - 1), 1e9)


def read_retries(options: Mapping[str, Any]) -> RetryPolicy | None:
    """The retry policy in some task options; None where there are no retries.

    Raises `ValueError` for options that make no sense.
    """
    max_retries = options.get("max_retries", 0)
    delay, backoff = options.get("retry_delay", 1.0), options.get("retry_backoff", 2.0)
    if not _is_number(max_retries, int) or not 0 <= max_retries <= MOST_RETRIES:
        raise ValueError(f"max_retries must be a whole number from 0 to {MOST_RETRIES}, not {max_retries!r}")
    if not _is_number(delay, int, float) or not delay >= 0:
        raise ValueError(f"retry_delay must be a number of seconds from 0, not {delay!r}")
    if not _is_number(backoff, int, float) or not backoff >= 1:
        raise ValueError(f"retry_backoff must be a number from 1, not {backoff!r}")
    errors = options.get("retry_on", Exception)
    classes = tuple(errors) if isinstance(errors, (list, tuple, set, frozenset)) else (errors,)
    if not all(isinstance(cls, type) and issubclass(cls, BaseException) for cls in classes):
        raise ValueError(f"retry_on must be an exception class or several of them, not {errors!r}")
    return RetryPolicy(max_retries, delay, backoff, classes) if max_retries else None


def read_timeout(options: Mapping[str, Any]) -> float | None:
    """The time-out of one attempt in some task options, in seconds. Raises `ValueError` if it makes no sense."""
    timeout = options.get("job_timeout")
    if timeout is None:
        return None
    if not _is_number(timeout, int, float) or not timeout > 0:
        raise ValueError(f"job_timeout must be a number of seconds above 0, not {timeout!r}")
    return float(timeout)


def _is_number(value: Any, *types: type) -> bool:
    return isinstance(value, types) and not isinstance(value, bool)
