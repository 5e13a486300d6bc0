"""The sockets of this process, as the operating system lists them, whoever opened them."""

import os
import socket
import struct
from collections.abc import Iterator
from contextlib import suppress

_OPEN_FILES = "/dev/fd"
_AT_ONCE = struct.pack("ii", 1, 0)
"""Linger for no second: what was not sent is thrown away."""


def end_unread_connections(port: int, *, after_seconds: int) -> bool:
    """Have the system end each connection to a port whose peer takes nothing for so long.

    Connections that are accepted inherit it from the socket that listens. Return False while no
    socket listens there, or where the system has no such option.
    """
    option = getattr(socket, "TCP_USER_TIMEOUT", None)
    is_set = False
    for own in _sockets():
        with suppress(OSError):
            is_listening = own.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
            if option and is_listening and own.getsockname()[1] == port:
                own.setsockopt(socket.IPPROTO_TCP, option, after_seconds * 1000)
                is_set = True
    return is_set


def cut(peer: tuple[str, int]) -> None:
    """End the connection of a peer, and throw away what it did not take yet."""
    for own in _sockets():
        with suppress(OSError):
            if own.getpeername()[:2] == peer:
                own.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
                own.shutdown(socket.SHUT_RDWR)


def _sockets() -> Iterator[socket.socket]:
    """Yield each socket on the very file descriptor that it has, and close none.

    A copy that is closed would be the end of a database: SQLite's locks go with the first
    descriptor of its file that a process closes.
    """
    for name in os.listdir(_OPEN_FILES):
        try:
            own = socket.socket(fileno=int(name))
        except OSError:
            continue  # a file, or closed since it was listed
        try:
            yield own
        finally:
            own.detach()
