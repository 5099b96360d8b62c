"""Another distribution that installs a package `redun` is noticed, with what to do about it."""

from __future__ import annotations

import sys

import pytest
from redun.plugins.foreign import check_foreign_redun


@pytest.mark.parametrize("folder", ["redun-0.44.1.dist-info", "redun-0.44.1.egg-info", "redun-0.44.1-py3.11.egg-info"])
def test_the_message_names_the_distribution_its_place_and_the_commands_that_repair_it(tmp_path, folder):
    (tmp_path / folder).mkdir()
    message = check_foreign_redun([str(tmp_path / "missing"), str(tmp_path)])
    assert f"The distribution redun 0.44.1 is installed in {tmp_path} beside redun-core." in message
    assert f"{sys.executable} -m pip uninstall --yes redun && " in message
    assert f"{sys.executable} -m pip install --force-reinstall --no-deps redun-core" in message


@pytest.mark.parametrize(
    "folder",
    [
        "redun_core-1.0.dist-info",
        "redun_executor_foo-1.0.dist-info",
        "redun-extra-1.0.egg-info",
        "redun-notes",
        "redun",
        "Redux-1.dist-info",
    ],
)
def test_other_distributions_are_not_taken_for_it(tmp_path, folder):
    (tmp_path / folder).mkdir()
    assert check_foreign_redun([str(tmp_path)]) is None


def test_a_file_on_the_path_is_passed_over(tmp_path):
    archive = tmp_path / "archive.zip"
    archive.write_bytes(b"")
    assert check_foreign_redun([str(archive)]) is None
