"""A password in a URL is refused before anything can record it."""

from __future__ import annotations

import pytest
from redun.file import ContentFile, Dir, File, FileSet, IFile, StagingFile
from redun.file.credentials import with_netrc
from redun.file.errors import PasswordInPathError

URL = "ftp://ann:open+sesame@files.example.org/data"


@pytest.mark.parametrize(
    "make",
    [File, Dir, FileSet, IFile, ContentFile, lambda url: StagingFile("local", url), lambda url: StagingFile(url, "x")],
)
def test_a_url_with_a_password_is_refused_without_showing_it(make):
    with pytest.raises(PasswordInPathError, match=r"machine files\.example\.org login ann password") as caught:
        make(URL)
    assert "sesame" not in str(caught.value)


@pytest.mark.parametrize(
    "path", ["ftp://ann@files.example.org/data", "az://box@account.blob.core.windows.net/a:b", "a@b:c", "/x/user:pw@y"]
)
def test_other_paths_with_these_characters_are_paths(path):
    assert File(path).path == path


@pytest.fixture
def netrc(tmp_path, monkeypatch):
    path = tmp_path / "netrc"
    path.write_text("machine here login ann password sesame\n")
    path.chmod(0o600)
    monkeypatch.setenv("NETRC", str(path))


@pytest.mark.parametrize("given", [{"host": "here"}, {"host": "here", "username": "ann"}])
def test_the_netrc_file_gives_name_and_password(netrc, given):
    assert with_netrc(given) == {"host": "here", "username": "ann", "password": "sesame"}


@pytest.mark.parametrize("given", [{"host": "there"}, {"host": "here", "username": "bob"}, {}])
def test_other_hosts_and_users_get_none(netrc, given):
    assert with_netrc(given) == given


def test_without_a_netrc_file_nothing_is_added(tmp_path, monkeypatch):
    monkeypatch.setenv("NETRC", str(tmp_path / "none"))
    assert with_netrc({"host": "here"}) == {"host": "here"}
