"""Yearly means of weather stations, in a repository that several machines share: see README.md."""

import random

from redun import task
from redun.scheduler import subrun

redun_namespace = "shared_example"


@task
def year(station: str, number: int) -> list[float]:
    """The temperatures of one year: large enough to be kept outside of the database."""
    chance = random.Random(f"{station} {number}")
    return [round(chance.gauss(10, 8), 1) for _ in range(365)]


@task
def mean(days: list[float]) -> float:
    """The mean of one year."""
    return round(sum(days) / len(days), 2)


@task
def summary(station: str, years: int) -> dict[int, float]:
    """The means of a station's years."""
    return {number: mean(year(station, number)) for number in range(2000, 2000 + years)}


@task
def main(station: str = "north", years: int = 5) -> dict[int, float]:
    """One station. Whoever asks for the same years, on whichever machine, finds them."""
    return summary(station, years)


@task
def elsewhere(stations: list[str], years: int = 5) -> dict[str, dict[int, float]]:
    """Several stations, each with a scheduler of its own in another process, which writes to the same repository."""
    return {station: subrun(summary(station, years), executor="process") for station in stations}
