"""Words of some texts, counted: small enough to see what each change does, and what redun knows about it."""

from __future__ import annotations

from redun import Dir, File, task

redun_namespace = "explain_example"


@task()
def clean(text: File) -> File:
    """The text in lower case, without punctuation."""
    words = "".join(letter if letter.isalnum() else " " for letter in text.read().lower())
    cleaned = File(f"made/{text.basename()}")
    cleaned.write(" ".join(words.split()))
    return cleaned


@task()
def count(text: File, at_least: int) -> dict[str, int]:
    """How often each word occurs that has a number of letters."""
    counts: dict[str, int] = {}
    for word in text.read().split():
        if len(word) >= at_least:
            counts[word] = counts.get(word, 0) + 1
    return counts


@task()
def report(counts: list[dict[str, int]], path: str) -> File:
    """All counts in one table, the most frequent words first."""
    total: dict[str, int] = {}
    for each in counts:
        for word, number in each.items():
            total[word] = total.get(word, 0) + number
    table = File(path)
    table.write("".join(f"{number:6} {word}\n" for word, number in sorted(total.items(), key=lambda item: -item[1])))
    return table


@task()
def main(texts: str = "texts", at_least: int = 4, path: str = "made/report.txt") -> File:
    """Count the words of all texts in a folder."""
    files = sorted(Dir(texts), key=lambda file: file.path)
    return report([count(clean(file), at_least) for file in files], path)
