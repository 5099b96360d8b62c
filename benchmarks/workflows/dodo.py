"""The fan-out of bench.py as doit tasks, which are up to date as long as their argument is the same."""

import os

from doit.tools import config_changed

SIZE = int(os.environ["BENCH_SIZE"])


def increment(x):
    return {"value": x + 1}


def total(values):
    print(sum(values.values()))


def task_increment():
    for number in range(SIZE):
        yield {
            "name": str(number),
            "actions": [(increment, [number])],
            "uptodate": [config_changed({"x": number})],
        }


def task_total():
    return {
        "actions": [total],
        "getargs": {"values": ("increment", "value")},
        "uptodate": [config_changed({"size": SIZE})],
        "verbosity": 2,
    }
