"""The wheels: built from the checkout, installed into a fresh environment and used from outside of it."""

from __future__ import annotations

import re
import subprocess
import zipfile
from collections.abc import Callable
from email import message_from_bytes
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = sorted(folder.parent for folder in ROOT.glob("redun-*/pyproject.toml"))

pytestmark = pytest.mark.packages


def run(*command: str | Path, cwd: Path) -> str:
    result = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=240)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


@pytest.fixture(scope="module")
def environment(
    wheels: list[Path], tmp_path_factory: pytest.TempPathFactory, make_environment: Callable[..., Path]
) -> Path:
    """The bin folder of an environment that holds the wheels and what they ask for."""
    return make_environment(tmp_path_factory.mktemp("environment"), wheels)


@pytest.fixture(scope="module")
def core_alone(
    wheels: list[Path], tmp_path_factory: pytest.TempPathFactory, make_environment: Callable[..., Path]
) -> Path:
    """The bin folder of an environment that holds the core and no plugin."""
    core = [wheel for wheel in wheels if wheel.name.startswith("redun_core-")]
    return make_environment(tmp_path_factory.mktemp("core_alone"), core)


def readme_block(language: str) -> str:
    """The first code block of a language in the README."""
    block = re.search(rf"^```{language}\n(.*?)^```$", (ROOT / "README.md").read_text(), re.DOTALL | re.MULTILINE)
    assert block
    return block[1]


def stated_version() -> str:
    text = (ROOT / "redun-core/src/redun/version.py").read_text()
    stated = re.search(r'__version__ = "(.+)"', text)
    assert stated
    return stated[1]


def metadata(wheel: Path) -> dict[str, list[str]]:
    with zipfile.ZipFile(wheel) as archive:
        name = next(name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        message = message_from_bytes(archive.read(name))
    return {key: message.get_all(key) or [] for key in message}


def test_all_packages_have_the_version_that_the_core_states(wheels: list[Path]) -> None:
    for wheel in wheels:
        assert metadata(wheel)["Version"] == [stated_version()], wheel.name


def test_plugins_accept_the_core_of_their_own_version_and_not_the_next_major(wheels: list[Path]) -> None:
    from packaging.requirements import Requirement
    from packaging.version import Version

    for wheel in wheels:
        facts = metadata(wheel)
        requirements = [Requirement(text) for text in facts["Requires-Dist"]]
        pins = {each.name: each.specifier for each in requirements if each.name.startswith("redun-")}
        version = Version(facts["Version"][0])
        assert pins, f"{wheel.name} does not say which core it works with"
        for name, pin in pins.items():
            assert version in pin, f"{wheel.name} rejects the {name} that is released with it"
            assert Version(f"{version.major + 1}.0") not in pin


def test_wheels_ship_their_types_and_licence(wheels: list[Path]) -> None:
    for wheel in wheels:
        with zipfile.ZipFile(wheel) as archive:
            names = archive.namelist()
            licence = next(name for name in names if name.endswith("licenses/LICENSE"))
            assert archive.read(licence) == (ROOT / "LICENSE").read_bytes()
        assert any(name.endswith("/py.typed") for name in names)
        assert not [name for name in names if name.startswith(("tests/", "src/"))]


def test_wheels_claim_the_pythons_that_tox_tests(wheels: list[Path]) -> None:
    tested = re.search(r"py\{([\d,]+)\}", (ROOT / "tox.ini").read_text())
    assert tested
    expected = {f"3.{version[1:]}" for version in tested[1].split(",")}
    for wheel in wheels:
        claims = re.findall(r"Programming Language :: Python :: (3\.\d+)", "\n".join(metadata(wheel)["Classifier"]))
        assert set(claims) == expected


def test_readme_example_prints_what_the_readme_says(environment: Path, tmp_path: Path) -> None:
    source = readme_block("python")
    assert source == (ROOT / "examples/hello/workflow.py").read_text()
    (tmp_path / "workflow.py").write_text(source)

    command = (environment / "redun", "run", "workflow.py", "main")
    assert run(*command, cwd=tmp_path) == readme_block("text")
    assert run(*command, cwd=tmp_path) == readme_block("text")
    log = run(environment / "redun", "log", cwd=tmp_path)
    assert len(re.findall(r"DONE.*run workflow\.py main", log)) == 2


def test_installed_command_names_the_packages_and_their_version(environment: Path, tmp_path: Path) -> None:
    assert stated_version() in run(environment / "redun", "--version", cwd=tmp_path)
    plugins = run(environment / "redun", "plugins", cwd=tmp_path)
    for package in PACKAGES:
        assert package.name in plugins


def test_core_alone_runs_the_readme_example_and_says_that_nothing_is_kept(core_alone: Path, tmp_path: Path) -> None:
    (tmp_path / "workflow.py").write_text(readme_block("python"))
    result = subprocess.run(
        [core_alone / "redun", "run", "workflow.py", "main"], cwd=tmp_path, capture_output=True, text=True, timeout=60
    )
    assert result.stdout == readme_block("text"), result.stderr
    notices = [line for line in result.stderr.splitlines() if "not kept" in line and "pip install" in line]
    assert len(notices) == 1, result.stderr
