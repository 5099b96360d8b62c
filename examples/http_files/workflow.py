from redun import File, task

redun_namespace = "http_files"


@task
def add_up(table: File) -> int:
    return sum(int(line.split()[1]) for line in table.readlines())


@task
def total(sums: list[int]) -> int:
    return sum(sums)


@task
def main(url: str = "http://127.0.0.1:8000", names: list[str] = ["first.txt", "second.txt"]) -> int:
    return total([add_up(File(f"{url}/{name}")) for name in names])
