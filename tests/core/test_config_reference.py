"""`docs/configuration.md` lists the options as the settings models have them."""

from __future__ import annotations

from pathlib import Path

import pytest
from redun.config import ConfigError
from redun.config.reference import BEGIN, END, main, reference_text, update_text
from redun.plugins import get_plugins

DOCUMENT = Path(__file__).parents[2] / "docs" / "configuration.md"


def test_the_list_of_options_in_the_documentation_is_current():
    if {"docker", "local", "sql"} - {record.name for record in get_plugins().records if record.status == "loaded"}:
        pytest.skip("the list needs redun-executor-local, redun-backend-sql and redun-executor-docker")
    text = DOCUMENT.read_text()
    assert text == update_text(text), "run: python -m redun.config.reference docs/configuration.md"


def test_the_list_has_every_option_with_type_default_and_description():
    text = reference_text()
    assert "### `[scheduler]`" in text
    assert (
        "| `job_status_interval` | whole number | `20` | "
        "Seconds between displays of the job status table. 0 or less: never. |"
    ) in text
    assert "| `target` | text | required | " in text
    assert "| any other name | whole number, at least 0 | | |" in text


def test_only_what_stands_between_the_markers_is_replaced(tmp_path):
    document = tmp_path / "document.md"
    document.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    main([str(document)])
    text = document.read_text()
    assert text.startswith(f"before\n{BEGIN}\n")
    assert text.endswith(f"{END}\nafter\n")
    assert "\nold\n" not in text
    with pytest.raises(ConfigError, match="no place for the list of options"):
        update_text("no markers")
