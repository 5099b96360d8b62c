"""Filesystems and value types that plugins bring."""

from __future__ import annotations

import textwrap

import pytest
from redun import File
from redun.plugins import Plugins, use_plugins
from redun.plugins.connect import connect_filesystems, connect_value_types
from redun.plugins.discovery import Entry, Origin
from redun.value import decode, encode

PLUGIN = """
from redun.plugins import FileSystemType, ValueType, hookimpl

REDUN_PLUGIN_API = (1, 0)


@hookimpl
def redun_register_filesystems():
    return [FileSystemType(("upper",), "connect_parts:UpperFileSystem")]


@hookimpl
def redun_register_value_types():
    return [ValueType("connect_types.Money", "connect_parts:MoneyProxy")]
"""

TYPES = """
class Money:
    def __init__(self, cents):
        self.cents = cents
"""

PARTS = """
from redun.file import LocalFileSystem
from redun.value import ProxyValue


class UpperFileSystem(LocalFileSystem):
    register = False

    def exists(self, path):
        return path == "upper://there"


class MoneyProxy(ProxyValue):
    def get_hash(self, data=None):
        return f"{self.instance.cents:040x}"

    def serialize(self):
        return str(self.instance.cents).encode()

    @classmethod
    def deserialize(cls, raw_type, data):
        import connect_types

        return connect_types.Money(int(data))
"""


@pytest.fixture
def plugins(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    for name, text in {"connect_plugin": PLUGIN, "connect_parts": PARTS, "connect_types": TYPES}.items():
        (tmp_path / f"{name}.py").write_text(textwrap.dedent(text))
    plugins = Plugins.load([Entry("connect", "connect_plugin", Origin(name="d", version="1"))], disabled=frozenset())
    with use_plugins(plugins):
        yield plugins


def test_a_file_of_a_plugins_scheme_is_in_the_plugins_filesystem(plugins):
    connect_filesystems()
    assert File("upper://there").exists()
    assert not File("upper://elsewhere").exists()


def test_a_value_of_a_type_that_a_plugin_names_is_stored_by_the_plugins_proxy(plugins):
    import connect_types

    connect_value_types(plugins)
    encoded = encode(connect_types.Money(5))
    assert encoded.data == b"5"
    assert decode(encoded.codec, encoded.data, encoded.type_name).cents == 5
