"""Files of an FTP server keep the rules of the interface, but for adding to them."""

from __future__ import annotations

import ftplib
import threading
import uuid
import warnings

import pytest
from redun.file import Dir, File
from redun.testing import FileSystemSuite

pytestmark = pytest.mark.once


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    pytest.importorskip("pyftpdlib")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        from pyftpdlib.authorizers import DummyAuthorizer
        from pyftpdlib.handlers import FTPHandler
        from pyftpdlib.servers import ThreadedFTPServer
    authorizer = DummyAuthorizer()
    authorizer.add_user("user", "secret", str(tmp_path_factory.mktemp("ftp")), perm="elradfmwMT")
    server = ThreadedFTPServer(
        ("127.0.0.1", 0), type("Handler", (FTPHandler,), {"authorizer": authorizer, "auth_failed_timeout": 0})
    )
    thread = threading.Thread(target=server.serve_forever, kwargs={"timeout": 0.1}, daemon=True)
    thread.start()
    netrc = tmp_path_factory.mktemp("home") / "netrc"
    netrc.write_text("machine 127.0.0.1 login user password secret\n")
    netrc.chmod(0o600)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NETRC", str(netrc))
        yield f"ftp://user@127.0.0.1:{server.socket.getsockname()[1]}"
    server.close_all()
    thread.join(30)


class TestFtp(FileSystemSuite):
    """The time of a file is known to the second only, and FTP can add to no file through fsspec."""

    test_many_files_are_listed_in_order = None  # each is written over a connection of its own: seconds
    can_append = False
    sees_every_change = False

    @pytest.fixture
    def root(self, server: str) -> str:
        return f"{server}/{uuid.uuid4()}"


def test_the_hash_of_a_directory_lists_it_once(server, monkeypatch):
    from fsspec.implementations.ftp import FTPFileSystem

    root = f"{server}/{uuid.uuid4()}"
    for name in ("a", "b", "c"):
        File(f"{root}/{name}").write(name)
    made = []
    connect = FTPFileSystem._connect
    monkeypatch.setattr(FTPFileSystem, "_connect", lambda self: (made.append(self), connect(self)))
    directory = Dir(root)
    assert directory.hash
    # One to list the files, one to ask for their states.
    assert len(made) <= 3
    File(f"{root}/b").write("changed")
    assert not directory.is_valid()


def test_a_server_that_refuses_is_named(server):
    with pytest.raises(OSError, match="x"):
        File(f"{server.replace('user@', 'stranger@')}/x").read()


def test_the_user_of_the_netrc_file_is_taken_where_the_url_names_none(server):
    path = f"{server}/{uuid.uuid4()}"
    File(path).write("found")
    assert File(path.replace("user@", "")).read() == "found"


def test_folders_that_somebody_else_makes_at_the_same_time_are_taken(server, monkeypatch):
    make_folder = ftplib.FTP.mkd

    def after_somebody_else(self: ftplib.FTP, folder: str) -> str:
        make_folder(self, folder)
        return make_folder(self, folder)

    monkeypatch.setattr(ftplib.FTP, "mkd", after_somebody_else)
    path = f"{server}/{uuid.uuid4()}/in/some/folders/x"
    File(path).write("written")
    assert File(path).read() == "written"
