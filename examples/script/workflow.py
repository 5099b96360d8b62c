from typing import Any

from redun import Dir, File, script, task

redun_namespace = "script"


@task
def count_words(text: File, folder: str) -> Any:
    """A table of the words in a text, and how many different ones there are."""
    return script(
        """
        tr '[:upper:]' '[:lower:]' < text.txt | tr -cs '[:alpha:]' '\\n' | sort | uniq -c > counts.txt
        wc -l < counts.txt
        """,
        inputs=[text.stage("text.txt")],
        outputs={
            "counts": File(f"{folder}/{text.basename()}").stage("counts.txt"),
            "different": File("-"),
        },
        tempdir=True,
    )


@task
def add_up(counted: list[Any], path: str) -> Any:
    """One table of all words, the most frequent first."""
    tables = [each["counts"] for each in counted]
    names = " ".join(f"table{number}" for number in range(len(tables)))
    return script(
        f"""
        awk '{{ count[$2] += $1 }} END {{ for (word in count) print count[word], word }}' {names} |
            sort -k 1,1nr -k 2 > all.txt
        """,
        inputs=[table.stage(f"table{number}") for number, table in enumerate(tables)],
        outputs=File(path).stage("all.txt"),
        tempdir=True,
    )


@task
def report(total: File, counted: list[Any]) -> str:
    count, word = total.readlines()[0].split()
    different = [int(each["different"]) for each in counted]
    return f"'{word}' comes {count} times; different words in each text: {different}"


@task
def main(texts: str = "texts", folder: str = "counts") -> str:
    counted = [count_words(text, folder) for text in Dir(texts)]
    return report(add_up(counted, "all.txt"), counted)
