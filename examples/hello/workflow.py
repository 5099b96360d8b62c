from redun import task

redun_namespace = "hello"


@task
def measure(word: str) -> int:
    return len(word)


@task
def describe(words: list[str], lengths: list[int]) -> str:
    longest = words[lengths.index(max(lengths))]
    return f"{longest} is the longest of {len(words)} words"


@task
def main(words: list[str] = ["lazy", "cached", "recorded"]) -> str:
    return describe(words, [measure(word) for word in words])
