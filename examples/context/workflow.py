"""Settings for tasks far down, which the tasks on the way need not know."""

from redun import get_context, task

redun_namespace = "context"


@task
def fit(day: int, depth: int = get_context("model.depth", 1), unit: str = get_context("unit", "day")) -> str:
    return f"{unit} {day} at depth {depth}"


@task
def fit_all(days: int) -> list[str]:
    """Knows nothing of depths and units."""
    return [fit(day) for day in range(1, days + 1)]


@task
def main(days: int = 2) -> dict[str, list[str]]:
    return {
        "as configured": fit_all(days),
        "deeper": fit_all.update_context({"model": {"depth": 9}})(days),
    }
