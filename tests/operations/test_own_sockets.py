"""Connections are ended from inside this process, by the operating system, whoever serves them."""

import fcntl
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from multiprocessing import get_context
from pathlib import Path

import pytest

from ledger.operations.own_sockets import cut, end_unread_connections

SMALL_BUFFER = 4096


@contextmanager
def listening() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener


def connected(listener: socket.socket) -> tuple[socket.socket, socket.socket]:
    """Return a client that has a small buffer, and the accepted side of its connection."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL_BUFFER)
    client.connect(listener.getsockname())
    accepted, _ = listener.accept()
    return client, accepted


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has this option")
def test_a_connection_that_nobody_reads_ends() -> None:
    with listening() as listener:
        assert end_unread_connections(listener.getsockname()[1], after_seconds=1)
        client, accepted = connected(listener)

        began = time.monotonic()
        with closing(client), closing(accepted), pytest.raises(TimeoutError):
            accepted.sendall(b"x" * 100_000_000)

        assert time.monotonic() - began < 20


def test_a_port_where_nobody_listens_is_left_alone() -> None:
    with listening() as listener:
        port = listener.getsockname()[1]

    assert not end_unread_connections(port, after_seconds=1)


def test_who_is_cut_off_notices_and_nobody_else_does() -> None:
    with listening() as listener:
        client, accepted = connected(listener)
        neighbour, accepted_too = connected(listener)
        with closing(client), closing(accepted), closing(neighbour), closing(accepted_too):
            cut(client.getsockname())

            assert client.recv(1) == b""
            with pytest.raises(BrokenPipeError):
                accepted.sendall(b"x")
            accepted_too.sendall(b"x")
            assert neighbour.recv(1) == b"x"


def test_looking_for_sockets_gives_up_no_lock_of_a_file(tmp_path: Path) -> None:
    """An embedded database lives by such locks: closing any copy of its file would drop them."""
    path = tmp_path / "locked"
    with path.open("w") as file, listening() as listener:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)

        end_unread_connections(listener.getsockname()[1], after_seconds=1)
        cut(("127.0.0.1", 1))

        with get_context("spawn").Pool(1) as pool:
            assert pool.apply(is_locked, (path,))


def is_locked(path: Path) -> bool:
    with path.open("w") as file:
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return True
    return False
