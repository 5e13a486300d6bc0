"""A WSGI application behind an event loop: what it is given, and what becomes of slow clients."""

import asyncio
import socket
import threading
from collections.abc import Callable, Iterable, Iterator, MutableMapping
from contextlib import closing
from typing import Any
from wsgiref.types import StartResponse, WSGIEnvironment
from wsgiref.validate import validator

import pytest

from ledger.operations import wsgi_calls, wsgi_environ
from ledger.operations.wsgi_calls import Bounds, WsgiCalls

Message = MutableMapping[str, Any]
LIMIT = 100


def a_scope(**differences: Any) -> Message:
    """A request. Shape: `headers` as names and texts."""
    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": "/ipn",
        "raw_path": b"/ipn",
        "query_string": b"",
        "client": ("127.0.0.1", "1"),
        "server": ("127.0.0.1", "8000"),
        "headers": [],
    } | differences
    pairs = [(name.encode(), text.encode("latin-1")) for name, text in scope["headers"]]
    return scope | {"headers": pairs}


def in_parts(*parts: bytes) -> list[Message]:
    last = len(parts) - 1
    return [
        {"type": "http.request", "body": part, "more_body": number < last}
        for number, part in enumerate(parts)
    ]


def answered(
    calls: WsgiCalls, scope: Message, *messages: Message, reads: Callable[[], Any] | None = None
) -> list[Message]:
    """Make a call. Shape: what is sent back; after its messages the client stays and is silent."""
    sent: list[Message] = []
    left = iter(messages)

    async def receive() -> Message:
        for message in left:
            return message
        await asyncio.Event().wait()
        raise AssertionError

    async def send(message: Message) -> None:
        sent.append(message)
        if reads and message.get("more_body"):
            await reads()

    asyncio.run(asyncio.wait_for(calls(scope, receive, send), 20))
    return sent


def echo(environ: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
    """Answer with the body, or that there was none to read to its end."""
    try:
        body = environ["wsgi.input"].read()
    except TimeoutError:
        start_response("400 Bad Request", [])
        return [b"unfinished"]
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [body]


def echoed(scope: Message, *messages: Message) -> tuple[int, bytes]:
    head, body = answered(WsgiCalls(echo, Bounds(1, body_bytes_max=LIMIT)), scope, *messages)
    return head["status"], body["body"]


# -- bodies ---------------------------------------------------------------------------------------


def test_a_body_is_given_whole() -> None:
    announced = a_scope(headers=[("content-length", "4")])
    chunked = a_scope(headers=[("transfer-encoding", "chunked")])

    assert echoed(announced, *in_parts(b"ab", b"cd")) == (200, b"abcd")
    assert echoed(chunked, *in_parts(b"ab", b"cd", b"")) == (200, b"abcd")
    assert echoed(a_scope()) == (200, b"")


def test_of_a_body_that_is_too_large_no_more_is_read_than_shows_it() -> None:
    announced = a_scope(headers=[("content-length", str(LIMIT + 1))])
    chunked = a_scope(headers=[("transfer-encoding", "chunked")])
    endless = [{"type": "http.request", "body": b"x" * 60, "more_body": True}] * 2

    assert echoed(announced) == (200, b"")
    assert echoed(chunked, *endless) == (200, b"x" * (LIMIT + 1))


@pytest.mark.parametrize("header", [("content-length", "4"), ("transfer-encoding", "chunked")])
def test_a_body_that_does_not_end_is_never_taken_for_whole(
    monkeypatch: pytest.MonkeyPatch, header: tuple[str, str]
) -> None:
    monkeypatch.setattr(wsgi_environ, "BODY_SECONDS_MAX", 0.05)
    half = {"type": "http.request", "body": b"ab", "more_body": True}
    scope = a_scope(headers=[header])

    assert echoed(scope, half) == (400, b"unfinished"), "its sender is silent"
    assert echoed(scope, half, {"type": "http.disconnect"}) == (400, b"unfinished")


def test_a_body_shorter_than_announced_is_never_taken_for_whole() -> None:
    scope = a_scope(headers=[("content-length", "4")])

    assert echoed(scope, *in_parts(b"ab")) == (400, b"unfinished")


# -- what the application is given ----------------------------------------------------------------


def environ_of(**differences: Any) -> dict[str, Any]:
    return wsgi_environ.wsgi_environ(a_scope(**differences))


def test_an_application_is_called_as_the_standard_says() -> None:
    def greet(_: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
        start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "2")])
        return [b"hi"]

    calls = WsgiCalls(validator(greet), Bounds(1))

    head, body = answered(calls, a_scope(method="GET"))

    assert (head["status"], body["body"]) == (200, b"hi")
    assert (b"content-length", b"2") in head["headers"]


def test_a_path_and_headers_arrive_byte_for_byte() -> None:
    environ = environ_of(raw_path=b"/ipn/%FF%2F/test", headers=[("x-name", "caf\xe9")])

    assert environ["PATH_INFO"].encode("latin-1") == b"/ipn/\xff//test"
    assert environ["REQUEST_URI"] == "/ipn/%FF%2F/test"
    assert environ["HTTP_X_NAME"].encode("latin-1") == b"caf\xe9"


def test_repeated_headers_are_joined_and_none_passes_for_another() -> None:
    environ = environ_of(
        headers=[
            ("x-forwarded-for", "192.0.2.1"),
            ("x-forwarded-for", "192.0.2.2"),
            ("x_forwarded_for", "198.51.100.1"),
            ("cookie", "a=1"),
            ("cookie", "b=2"),
        ]
    )

    assert environ["HTTP_X_FORWARDED_FOR"] == "192.0.2.1,192.0.2.2"
    assert environ["HTTP_COOKIE"] == "a=1; b=2"
    assert "198.51.100.1" not in str(environ)


# -- answers --------------------------------------------------------------------------------------


class Parts:
    """An answer without announced length, which knows that it was closed."""

    def __init__(self, parts: Iterable[bytes]) -> None:
        self.parts = iter(parts)
        self.is_closed = False

    def __iter__(self) -> Iterator[bytes]:
        return self.parts

    def close(self) -> None:
        self.is_closed = True

    def __call__(self, _: WSGIEnvironment, start_response: StartResponse) -> "Parts":
        start_response("200 OK", [("Content-Type", "text/csv")])
        return self


@pytest.fixture
def connection() -> Iterator[tuple[socket.socket, socket.socket]]:
    """A client and the accepted side, both in this process."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = socket.create_connection(listener.getsockname())
        accepted, _ = listener.accept()
        with closing(client), closing(accepted):
            yield client, accepted


Connection = tuple[socket.socket, socket.socket]


def is_cut(connection: Connection) -> bool:
    """Return True if the connection has ended, by a reset or without another byte."""
    client, _ = connection
    client.settimeout(1)
    try:
        return client.recv(1) == b""
    except ConnectionResetError:
        return True
    except TimeoutError:
        return False


def scope_of(connection: Connection) -> Message:
    host, port = connection[0].getsockname()
    return a_scope(method="GET", client=(host, str(port)))


def test_an_answer_in_parts_is_sent_in_parts_and_closed(connection: Connection) -> None:
    parts = Parts([b"a", b"", b"b"])

    head, *sent = answered(WsgiCalls(parts, Bounds(1)), scope_of(connection))

    assert head["status"] == 200
    assert [(part["body"], part["more_body"]) for part in sent] == [
        (b"a", True),
        (b"b", True),
        (b"", False),
    ]
    assert parts.is_closed
    assert not is_cut(connection)


def test_an_answer_of_known_length_holds_no_thread(connection: Connection) -> None:
    """A file of ours, for example, which nobody has to read."""

    def file(_: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", [("Content-Length", "2")])
        return iter([b"a", b"b"])

    _, *sent = answered(WsgiCalls(file, Bounds(1)), scope_of(connection))

    assert [part["body"] for part in sent] == [b"ab"]


def test_a_client_that_does_not_read_is_cut_off(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wsgi_calls, "CHUNK_SECONDS_MAX", 0.1)
    parts = Parts([b"a", b"b"])

    sent = answered(WsgiCalls(parts, Bounds(1)), scope_of(connection), reads=asyncio.Event().wait)

    assert parts.is_closed
    assert sent[-1]["more_body"], "it never looked whole"
    assert is_cut(connection)


def test_an_answer_whose_source_fails_is_cut_off(connection: Connection) -> None:
    def failing() -> Iterator[bytes]:
        yield b"a"
        raise KeyError("gone")

    parts = Parts(failing())

    with pytest.raises(KeyError):
        answered(WsgiCalls(parts, Bounds(1)), scope_of(connection))

    assert parts.is_closed
    assert is_cut(connection)


def test_a_client_that_hangs_up_ends_its_answer(connection: Connection) -> None:
    gone = threading.Event()

    def endless() -> Iterator[bytes]:
        while True:
            yield b"x"
            gone.wait(0.01)

    parts = Parts(endless())

    answered(WsgiCalls(parts, Bounds(1)), scope_of(connection), {"type": "http.disconnect"})

    assert parts.is_closed


def test_a_constant_answer_is_made_once(connection: Connection) -> None:
    numbers = iter(range(9))

    def count(_: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
        start_response("200 OK", [])
        return [str(next(numbers)).encode()]

    calls = WsgiCalls(count, Bounds(1, constant_paths=("/healthz",)))
    scopes = [a_scope(method="GET", path=path) for path in ("/healthz", "/healthz", "/else")]

    assert [answered(calls, scope)[1]["body"] for scope in scopes] == [b"0", b"0", b"1"]
