"""Calls a WSGI application for a server that speaks ASGI, and keeps slow clients off its threads.

The event loop reads each request to its end before a thread sees it, and sends whole answers after
the thread has left. So a thread is held by its own work alone, or by an answer sent in parts: one
whose length is not announced. Such an answer is cut off, never ended as if it were whole, when
its client does not read or when its source fails.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, MutableMapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Event
from typing import Any
from wsgiref.types import WSGIApplication

import structlog

from ledger.operations.own_sockets import cut
from ledger.operations.wsgi_environ import body_length, has_body, read_body, wsgi_environ

CHUNK_SECONDS_MAX = 30
"""For one part of an answer; a client that reads takes milliseconds."""
STREAMS_MAX = 4
"""Answers sent in parts at once, in each process; they have threads beside those of all calls."""
SPARE_THREADS = 2

log = structlog.get_logger("serve")

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer. Shape: the names of headers are lower-case."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes


@dataclass(frozen=True, slots=True)
class Call:
    """One request, as far as the threads see its connection."""

    environ: dict[str, Any]
    peer: tuple[str, int]
    receive: Receive
    send: Send
    loop: asyncio.AbstractEventLoop
    is_gone: Event = field(default_factory=Event)

    def send_from_thread(self, message: Message) -> None:
        """Send a message; wait until it has left. Errors: TimeoutError."""
        sending = asyncio.run_coroutine_threadsafe(_awaited(self.send, message), self.loop)
        try:
            sending.result(CHUNK_SECONDS_MAX)
        except TimeoutError:
            sending.cancel()
            raise

    async def watch(self) -> None:
        """Note that the client has hung up: sending goes on without a word."""
        while (await self.receive())["type"] != "http.disconnect":
            pass
        self.is_gone.set()


@dataclass(frozen=True)
class Bounds:
    """How calls are made.

    Shape: `reserved_paths`, and all below them, have so many threads, and all others together
    half as many, beside those of streams; `spare_paths` have two, and no bodies; `constant_paths`
    have one answer for ever, which the event loop gives. Units: bytes.
    """

    threads: int
    body_bytes_max: int = 256 * 1024
    reserved_paths: Sequence[str] = ()
    constant_paths: Sequence[str] = ()
    spare_paths: Sequence[str] = ()


class WsgiCalls:
    """An ASGI application that answers what a WSGI application answers.

    Shape: of a body at most one byte above the limit is read.
    """

    def __init__(self, application: WSGIApplication, bounds: Bounds) -> None:
        self._application = application
        self._bounds = bounds
        self._reserved_pool = ThreadPoolExecutor(bounds.threads, "reserved")
        self._common_pool = ThreadPoolExecutor(bounds.threads // 2 + 1 + STREAMS_MAX, "common")
        self._spare_pool = ThreadPoolExecutor(SPARE_THREADS, "spare")
        self._constant_answers: dict[tuple[str, str], Answer] = {}

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one request."""
        question = scope["method"], scope["path"]
        answer = self._constant_answers.get(question)
        if answer is None:
            answer = await self._answer(scope, receive, send)
            if answer and answer.status == 200 and scope["path"] in self._bounds.constant_paths:
                self._constant_answers[question] = answer
        if answer is not None:
            head = {"status": answer.status, "headers": answer.headers}
            await send({"type": "http.response.start", **head})
            await send({"type": "http.response.body", "body": answer.body})

    async def _answer(self, scope: Message, receive: Receive, send: Send) -> Answer | None:
        """Return a whole answer, or None when it was sent in parts."""
        environ = wsgi_environ(scope)
        pool = self._pool(scope["path"])
        if has_body(environ) and pool is not self._spare_pool:
            length, limit = body_length(environ), self._bounds.body_bytes_max
            environ["wsgi.input"] = await read_body(receive, length, limit)
        loop = asyncio.get_running_loop()
        host, port = scope["client"]
        call = Call(environ, (host, int(port)), receive, send, loop)
        return await loop.run_in_executor(pool, self._run, call)

    def _pool(self, path: str) -> ThreadPoolExecutor:
        if path in self._bounds.spare_paths:
            return self._spare_pool
        is_reserved = any(f"{path}/".startswith(f"{own}/") for own in self._bounds.reserved_paths)
        return self._reserved_pool if is_reserved else self._common_pool

    def _run(self, call: Call) -> Answer | None:
        """Call the application, in a thread."""
        head: list[Any] = []
        sent_early: list[bytes] = []

        def start_response(
            status: str, headers: list[tuple[str, str]], _: object = None
        ) -> Callable[[bytes], object]:
            head[:] = [int(status[:3]), _encoded(headers)]
            return sent_early.append

        parts = self._application(call.environ, start_response)
        try:
            if isinstance(parts, list) or any(name == b"content-length" for name, _ in head[1]):
                return Answer(head[0], head[1], b"".join([*sent_early, *parts]))
            _send_parts(call, head[0], head[1], parts)
            return None
        finally:
            if hasattr(parts, "close"):
                parts.close()


def _send_parts(
    call: Call, status: int, headers: list[tuple[bytes, bytes]], parts: Iterable[bytes]
) -> None:
    watching = asyncio.run_coroutine_threadsafe(call.watch(), call.loop)
    is_whole = False
    try:
        call.send_from_thread({"type": "http.response.start", "status": status, "headers": headers})
        for part in filter(None, parts):
            if call.is_gone.is_set():
                break
            message = {"type": "http.response.body", "body": part, "more_body": True}
            call.send_from_thread(message)
        call.send_from_thread({"type": "http.response.body", "body": b"", "more_body": False})
        is_whole = True
    except TimeoutError:
        log.warning("client.not_reading", path=call.environ["PATH_INFO"])
    finally:
        watching.cancel()
        if not is_whole:
            cut(call.peer)


async def _awaited(send: Send, message: Message) -> None:
    await send(message)


def _encoded(headers: list[tuple[str, str]]) -> list[tuple[bytes, bytes]]:
    return [(name.lower().encode("latin-1"), text.encode("latin-1")) for name, text in headers]
