"""A workflow that is worth a test: test_workflow.py."""

from redun import task

redun_namespace = "testing"


@task
def price(item: str) -> int:
    return {"apple": 3, "pear": 4}[item]


@task
def total(prices: list[int], discount: int) -> int:
    return sum(prices) - discount


@task
def main(items: list[str], discount: int = 0) -> int:
    return total([price(item) for item in items], discount)
