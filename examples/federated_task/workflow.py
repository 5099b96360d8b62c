"""Uses a task that another team publishes: `redun run workflow.py main`."""

from redun import task
from redun.federated_tasks import federated_task

redun_namespace = "kitchen"


@task
def shopping_list(people: int) -> list[str]:
    """What to buy."""
    return ["flour", "eggs", "milk"] * (1 if people < 5 else 2)


@task
def receipt(prices: list[tuple[str, float]]) -> str:
    """The prices as text."""
    lines = [f"{name}: {price:.2f}" for name, price in prices]
    return "\n".join([*lines, f"total: {sum(price for _, price in prices):.2f}"])


@task
def main(people: int = 4) -> str:
    """The other team's task is called by the name of its entry point: its code is not imported here."""
    return receipt(federated_task("ask_prices", shopping_list(people), currency="EUR"))
