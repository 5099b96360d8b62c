"""Secrets stay out of what is shown, of error messages, and of what plugins are given."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redun.config import Config, ConfigError
from redun.config.report import effective_sections
from redun.config.secrets import MASK, SecretMask, is_secret_name, masked_view
from redun.config.validation import section_options


@pytest.mark.parametrize(
    "name", ["password", "DB_PASSWD", "slack_token", "client_secret", "API_KEY", "aws_secret_access_key", "credentials"]
)
def test_telling_names_are_secret(name):
    assert is_secret_name(name)


@pytest.mark.parametrize("name", ["db_password_env", "db_aws_secret_name", "image", "key", "token_file", "s3_scratch"])
def test_names_of_places_where_secrets_are_kept_are_not(name):
    assert not is_secret_name(name)


@pytest.mark.parametrize(
    "line",
    [
        "password = hunter22",
        "uri = postgresql://user:hunter22@host/db",
        "uri = postgresql://user:hun@ter/22@host/db",
        "uri = https://host/?access_token=hunter22&x=1",
        'env = {"API_TOKEN": "hunter22"}',
        "innocent = x${MY_PASSWORD}y",
        "innocent = ${other:password}",
        "innocent = ${other:innocent}",
    ],
)
def test_a_secret_is_masked_wherever_it_is_carried(line, monkeypatch):
    monkeypatch.setenv("MY_PASSWORD", "hunter22")
    config = Config()
    config.read_string(f"[mine]\n{line}\n[other]\npassword = hunter22\ninnocent = ${{MY_PASSWORD}}\n")
    shown = str([section for section in effective_sections(config) if section.name == "mine"])
    assert "hunter22" not in shown
    assert "hun@ter" not in shown
    assert MASK in shown
    assert "hunter22" not in str(masked_view(config))
    assert MASK in str(masked_view(config)["mine"])


def test_other_values_are_shown_as_they_are():
    config = Config({"a": {"scratch": "s3://bucket/a@b c", "uri": "sqlite:///redun.db", "password": ""}})
    view = masked_view(config)
    assert view["a"]["uri"] == "sqlite:///redun.db"
    assert view["a"]["password"] == ""
    assert Config({"a": {"x": "s3://bucket/path"}}).get_config_dict() == {"a": {"x": "s3://bucket/path"}}


def test_the_view_for_plugins_cannot_be_written():
    with pytest.raises(TypeError):
        masked_view(Config({"a": {"x": "1"}}))["a"]["x"] = "2"


@given(st.text("ab:@/?#%xyz", min_size=1, max_size=10))
def test_no_password_of_a_database_is_shown(password):
    secret = f"Q{password}Q"
    shown = SecretMask(Config()).option("db_uri", f"postgresql://user:{secret}@host:5432/db")
    assert shown == f"postgresql://{MASK}@host:5432/db"


def test_a_message_about_a_wrong_value_shows_no_secret(tmp_path, monkeypatch):
    (tmp_path / "secretive_settings.py").write_text(
        "from pydantic import BaseModel, field_validator\n"
        "class Model(BaseModel):\n"
        "    password: int = 0\n"
        "    db_uri: str = ''\n"
        "    @field_validator('db_uri')\n"
        "    @classmethod\n"
        "    def check(cls, value):\n"
        "        if '@' in value: raise ValueError(f'no credentials in {value!r}, please')\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    config = Config()
    config.read_string("[backend]\npassword = hunter22\ndb_uri = postgresql://u:swordfish@h/d\n", "redun.ini")
    with pytest.raises(ConfigError) as error:
        section_options(config, "backend", "secretive_settings:Model")
    assert str(error.value).splitlines() == [
        'redun.ini:2: [backend] password = "***": Input should be a valid integer, '
        "unable to parse string as an integer",
        "redun.ini:3: [backend] db_uri = \"postgresql://***@h/d\": no credentials in 'postgresql://***@h/d', please",
    ]
