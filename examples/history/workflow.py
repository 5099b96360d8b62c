"""Measures samples, and tags what later questions will be about."""

from redun import File, apply_tags, catch, task

redun_namespace = "survey"

SAMPLES = {"north": [4.1, 3.9, 4.4], "south": [5.0, 5.2], "west": []}


@task
def take(station: str) -> File:
    file = File(f"samples/{station}.txt")
    file.write("\n".join(map(str, SAMPLES[station])))
    return apply_tags(file, [("station", station)])


@task(tags=[("step", "analysis")])
def mean(samples: File) -> float:
    numbers = [float(line) for line in samples.read().splitlines()]
    return sum(numbers) / len(numbers)


@task
def no_result(error: Exception) -> None:
    return None


@task
def main(stations: list[str] = ["north", "south", "west"]) -> dict[str, float | None]:
    return {station: catch(mean(take(station)), ZeroDivisionError, no_result) for station in stations}
