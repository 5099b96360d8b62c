"""Mean temperatures of stations, with pandas and with Polars: `redun run workflow.py main`."""

import pandas as pd
import polars as pl
from redun import task

redun_namespace = "data_frames"


@task
def measure(stations: list[str], days: int) -> pd.DataFrame:
    """What all stations measured, one row for each station and day."""
    rows = [(station, day, 10.0 + number + day % 7) for number, station in enumerate(stations) for day in range(days)]
    return pd.DataFrame(rows, columns=["station", "day", "degrees"])


@task
def only(measured: pd.DataFrame, station: str) -> pd.DataFrame:
    """The rows of one station, numbered from 0: equal rows are equal values, wherever they were cut from."""
    return measured[measured["station"] == station].reset_index(drop=True)


@task
def mean(measured: pd.DataFrame) -> float:
    """The mean of one station."""
    return round(float(measured["degrees"].mean()), 2)


@task
def rank(stations: list[str], means: list[float]) -> pl.DataFrame:
    """The stations from the warmest to the coldest."""
    return pl.DataFrame({"station": stations, "mean": means}).sort("mean", descending=True)


@task
def report(ranking: pl.DataFrame) -> list[str]:
    """The ranking as lines of text."""
    return [f"{station}: {degrees}" for station, degrees in ranking.iter_rows()]


@task
def main(stations: list[str] = ["Aachen", "Bergen", "Cork"], days: int = 14) -> list[str]:
    measured = measure(stations, days)
    return report(rank(stations, [mean(only(measured, station)) for station in stations]))
