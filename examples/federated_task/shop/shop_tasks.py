"""What the shop publishes. It has a repository of its own, in `.redun` beside this file."""

from redun import task

redun_namespace = "shop"

PRICES = {"flour": 1.2, "eggs": 3.5, "milk": 1.1}
RATES = {"EUR": 1.0, "USD": 1.1}


@task
def price_of(name: str, currency: str) -> float:
    """What one thing costs."""
    return PRICES[name] * RATES[currency]


@task
def ask_prices(names: list[str], currency: str) -> list[tuple[str, float]]:
    """What some things cost, one by one: what stands in the list twice is to be paid twice."""
    return [(name, price_of(name, currency)) for name in names]
