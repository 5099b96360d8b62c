"""The documentation names what exists."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [page for pattern in ("*.md", "*/*.md", "docs/*/*.md", "examples/**/*.md") for page in ROOT.glob(pattern)]
CORE = ROOT / "redun-core/src/redun"
MODULES = sorted(
    path.stem
    for path in CORE.iterdir()
    if (path.suffix == ".py" or (path / "__init__.py").exists()) and path.stem[0] != "_"
)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_between_files_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text())
    assert [link for link in links if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("module", MODULES)
def test_architecture_gives_every_module_of_the_core_a_floor(module: str) -> None:
    floors = (ROOT / "docs/architecture.md").read_text().split("## Floors of the core")[1].split("\n## ")[0]
    assert re.search(rf"`{module}(\.py|/)?`", floors), f"docs/architecture.md does not say on which floor {module} is"


def test_architecture_names_modules_that_exist() -> None:
    named = set(re.findall(r"`([\w/]+\.py)`", (ROOT / "docs/architecture.md").read_text()))
    assert len(named) > 30
    folders = ("redun-*/src", "tests")
    assert {name for name in named if not any(list(ROOT.glob(f"{folder}/**/{name}")) for folder in folders)} == set()


def test_the_executor_that_the_porting_page_shows_runs_tasks() -> None:
    from redun import Scheduler, task

    blocks = re.findall(
        r"^```python\n(.*?)^```$", (ROOT / "docs/coming-from-redun.md").read_text(), re.DOTALL | re.MULTILINE
    )
    source = next(block for block in blocks if "def start(self, context, sink)" in block)
    sent = []
    with ThreadPoolExecutor() as pool:

        def send(queue, function, call):
            sent.append((queue, call.args))
            return pool.submit(function, call)

        # What stands for the service that the page calls foo.
        names = {"foo": SimpleNamespace(send=send, wait_for_all=lambda queue: None)}
        exec(source, names)

        @task(name="double", namespace="porting_page")
        def double(x: int) -> int:
            return 2 * x

        @task(name="fail", namespace="porting_page")
        def fail() -> int:
            raise LookupError("on purpose")

        scheduler = Scheduler(executor=names["FooExecutor"]("default", queue="night"))
        assert scheduler.run(double(double(3))) == 12
        with pytest.raises(LookupError, match="on purpose"):
            scheduler.run(fail())
    assert ("night", (6,)) in sent
