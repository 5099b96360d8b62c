"""Files of web servers: what their state is made of, and what goes wrong with them."""

from __future__ import annotations

import base64

import pytest
from redun.file import ContentFile, File, RedunFileNotFoundError, RedunOSError, RedunPermissionError, get_filesystem
from redun.file import filesystem as registry
from redun.value import is_valid
from small_web_server import web_server

pytest.importorskip("aiohttp")


@pytest.fixture
def site(monkeypatch):
    monkeypatch.setattr(registry, "_instances", dict(registry._instances))
    with web_server() as site:
        yield site


def test_a_file_is_read_and_copied(site, tmp_path):
    file = File(site.put("/data.txt", b"first\nsecond\n"))
    assert (file.read(), file.read("rb"), file.size()) == ("first\nsecond\n", b"first\nsecond\n", 13)
    assert (file.exists(), file.isfile(), file.basename()) == (True, True, "data.txt")
    copy = file.copy_to(File(str(tmp_path / "copy.txt")))
    assert copy.read() == "first\nsecond\n"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"ETag": '"1"'}, {"ETag": '"2"'}),
        ({"Content_MD5": "a"}, {"Content_MD5": "b"}),
        ({"Last_Modified": "Sun, 01 Nov 2026 10:00:00 GMT"}, {"Last_Modified": "Sun, 01 Nov 2026 10:00:01 GMT"}),
    ],
    ids=["ETag", "Content-MD5", "Last-Modified"],
)
def test_a_change_of_the_same_size_is_seen_where_the_server_tells_of_it(site, before, after):
    file = File(site.put("/data", b"old", **before))
    known = file.hash
    assert is_valid(file)
    site.put("/data", b"new", **after)
    assert not is_valid(file)
    assert File(file.path).hash != known


def test_what_stands_for_the_content_counts_more_than_the_time(site):
    file = File(site.put("/data", b"x", ETag='"1"', Last_Modified="Sun, 01 Nov 2026 10:00:00 GMT"))
    assert file.hash
    site.put("/data", b"x", ETag='"1"', Last_Modified="Sun, 01 Nov 2026 11:00:00 GMT")
    assert is_valid(file)


def test_the_size_alone_is_used_where_the_server_tells_no_more(site):
    file = File(site.put("/data", b"old"))
    assert file.hash
    site.put("/data", b"new")
    assert is_valid(file)
    site.put("/data", b"longer")
    assert not is_valid(file)
    content = ContentFile(file.path)
    assert content.hash
    site.put("/data", b"LONGER")
    assert not is_valid(content)


def test_the_state_costs_one_head_request(site):
    file = File(site.put("/data", b"x", ETag='"1"'))
    assert file.hash
    assert site.requests == [("HEAD", "/data")]


def test_a_server_that_refuses_head_is_asked_with_get(site):
    site.answers_head = False
    file = File(site.put("/data", b"old", ETag='"1"'))
    assert file.size() == 3
    known = file.hash
    site.put("/data", b"new", ETag='"2"')
    assert File(file.path).hash != known


def test_a_missing_file_has_a_hash_and_cannot_be_read(site):
    file = File(f"{site.url}/none")
    assert not file.exists()
    known = file.hash
    with pytest.raises(RedunFileNotFoundError, match="/none"):
        file.read()
    site.put("/none", b"x")
    assert File(file.path).hash != known


@pytest.mark.parametrize(("status", "error"), [(403, RedunPermissionError), (500, RedunOSError), (503, RedunOSError)])
def test_a_server_that_fails_is_not_taken_for_a_missing_file(site, status, error):
    path = site.put("/data", b"x", ETag='"1"')
    site.status = status
    for use in (lambda: File(path).hash, lambda: File(path).read(), lambda: File(path).exists(), File(path).size):
        with pytest.raises(error, match=f"answers {status}") as caught:
            use()
        assert caught.value.filename == path
        assert not isinstance(caught.value, FileNotFoundError)


def test_a_server_that_cannot_be_reached_is_not_taken_for_a_missing_file(site):
    import socket

    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        path = f"http://127.0.0.1:{unused.getsockname()[1]}/data"
        with pytest.raises(RedunOSError, match=r"cannot connect to 127\.0\.0\.1:\d+: Connection refused") as caught:
            assert File(path).hash
    assert not isinstance(caught.value, FileNotFoundError)


@pytest.mark.parametrize("mode", ["w", "wb", "a", "xb"])
def test_nothing_is_written_or_removed(site, mode):
    path = site.put("/data", b"x")
    with pytest.raises(RedunOSError, match="/data"):
        File(path).open(mode)
    with pytest.raises(RedunOSError, match="/data"):
        File(path).remove()
    assert File(path).read("rb") == b"x"


def test_the_password_for_a_server_comes_from_the_netrc_file(site, tmp_path, monkeypatch):
    site.password = f"Basic {base64.b64encode(b'ann:sesame').decode()}"
    file = File(site.put("/data", b"found"))
    with pytest.raises(RedunPermissionError, match="401"):
        file.read()
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login ann password sesame\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    assert File(file.path).read() == "found"


def test_http_and_https_have_classes_of_their_own():
    from redun.file import HTTPFileSystem, HTTPSFileSystem, get_filesystem_class

    assert type(get_filesystem("http://h/x")) is HTTPFileSystem
    assert type(get_filesystem("https://h/x")) is HTTPSFileSystem
    assert get_filesystem_class("https") is HTTPSFileSystem
