"""A stream of NATS JetStream: each message says behind which it belongs, so none comes twice."""

import asyncio
from collections.abc import Coroutine, Sequence
from contextlib import suppress
from typing import Any, TypeVar

import nats
from nats.aio.client import Client
from nats.errors import Error as NatsError
from nats.js.api import StorageType, StreamConfig
from nats.js.errors import APIError, NotFoundError

from ledger.publishing.destination import DestinationError, Message

_SECONDS_MAX = 10
_POSITION = "Nats-Msg-Id"
_BEHIND = "Nats-Expected-Last-Sequence"
_WRONG_LAST = 10_071
"""The server's code for a message that belongs behind another one than the last."""

Answer = TypeVar("Answer")


class NatsStream:
    """Publishes to the subjects `STREAM.SHOP.MODE.EVENT` of one stream, which it makes if need be.

    The server refuses a message that does not follow the last one, whoever sends it. So the
    stream's own end is the cursor, and two publishers at once do no harm.
    """

    has_own_end = True

    def __init__(self, address: str, stream: str) -> None:
        self._address = address
        self._stream = stream
        self._runner = asyncio.Runner()
        self._client: Client | None = None
        self._sequence = self._position = 0

    def last_position(self) -> int:
        """Return the position of the last message; the stream is made before the first."""
        return self._run(self._read_end())

    def append(self, behind: int, messages: Sequence[Message]) -> None:
        """Send all, then wait for the server's word on each."""
        if behind == self._position:
            self._run(self._publish(messages))

    def close(self) -> None:
        """End the connection."""
        self._run(self._disconnect())
        self._runner.close()

    def _run(self, coroutine: Coroutine[Any, Any, Answer]) -> Answer:
        try:
            return self._runner.run(coroutine)
        except (TimeoutError, NatsError, OSError) as error:
            self._runner.run(self._disconnect())  # the next question connects anew
            raise DestinationError(f"NATS does not answer: {type(error).__name__}") from error

    async def _connected(self) -> Client:
        if self._client is None:
            self._client = await nats.connect(
                self._address, connect_timeout=_SECONDS_MAX, allow_reconnect=False, error_cb=_ignore
            )
        return self._client

    async def _disconnect(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            with suppress(NatsError, OSError, asyncio.TimeoutError):
                await client.close()

    async def _read_end(self) -> int:
        stream = (await self._connected()).jetstream(timeout=_SECONDS_MAX)
        try:
            state = (await stream.stream_info(self._stream)).state
        except NotFoundError:
            subjects = [f"{self._stream}.>"]
            made = StreamConfig(name=self._stream, subjects=subjects, storage=StorageType.FILE)
            state = (await stream.add_stream(made)).state
        self._sequence = state.last_seq
        self._position = 0
        if state.last_seq:
            last = await stream.get_msg(self._stream, seq=state.last_seq)
            self._position = int((last.headers or {})[_POSITION])
        return self._position

    async def _publish(self, messages: Sequence[Message]) -> None:
        stream = (await self._connected()).jetstream(timeout=_SECONDS_MAX)
        sent = [
            stream.publish(
                f"{self._stream}.{message.topic}",
                message.body,
                timeout=_SECONDS_MAX,
                headers={_POSITION: str(message.position), _BEHIND: str(self._sequence + number)},
            )
            for number, message in enumerate(messages)
        ]
        answers = await asyncio.gather(*sent, return_exceptions=True)
        for refusal in answers:
            is_other = isinstance(refusal, APIError) and refusal.err_code == _WRONG_LAST
            if isinstance(refusal, BaseException) and not is_other:
                raise refusal


async def _ignore(_error: Exception) -> None:
    """Leave it to the question that fails."""


def open_stream(address: str, stream: str) -> NatsStream:
    """Return a stream of this name; nothing is connected yet."""
    return NatsStream(address, stream)
