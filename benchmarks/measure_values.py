"""How fast arrays and tables are hashed: run by the scenario `values` in an environment that has their libraries.

Prints a JSON list: what it is, and gigabytes a second for our hash, BLAKE2b alone, and a pickle with its BLAKE2b.
"""

from __future__ import annotations

import hashlib
import json
import pickle
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
from redun.value import hash_value

MEGABYTES = 160


def subjects() -> dict[str, tuple[Any, int]]:
    """Values of about the same size, and how many bytes each has."""
    count = MEGABYTES * 1_000_000 // 8
    numbers = np.random.default_rng(1).random(count)
    grid = numbers.reshape(-1, 10)
    columns = {f"c{number}": grid[:, number].copy() for number in range(10)}
    words = [f"word {number}" for number in range(2_000_000)]
    text_bytes = sum(map(len, words)) + 8 * len(words)
    return {
        "NumPy array": (numbers, numbers.nbytes),
        "NumPy array in Fortran order": (np.asfortranarray(grid), numbers.nbytes),
        "pandas frame of 10 columns": (pd.DataFrame(columns), numbers.nbytes),
        "Polars frame of 10 columns": (pl.DataFrame(columns), numbers.nbytes),
        "PyArrow table of 10 columns": (pa.table(columns), numbers.nbytes),
        "pandas column of text": (pd.DataFrame({"a": words}), text_bytes),
        "Polars column of text": (pl.DataFrame({"a": words}), text_bytes),
        "PyArrow column of text": (pa.table({"a": words}), text_bytes),
    }


def seconds(function: Callable[[], Any], rounds: int) -> float:
    taken = []
    for _ in range(rounds):
        start = time.perf_counter()
        function()
        taken.append(time.perf_counter() - start)
    return statistics.median(taken)


def main(rounds: int) -> None:
    answers = []
    for name, (value, size) in subjects().items():
        memory = bytes(size)
        ways: list[Callable[[], Any]] = [
            lambda value=value: hash_value(value),
            lambda memory=memory: hashlib.blake2b(memory, digest_size=20).digest(),
            lambda value=value: hashlib.blake2b(pickle.dumps(value, 5), digest_size=20).digest(),
        ]
        answers.append([name, *(size / seconds(way, rounds) / 1e9 for way in ways)])
    print(json.dumps(answers))


if __name__ == "__main__":
    main(int(sys.argv[1]))
