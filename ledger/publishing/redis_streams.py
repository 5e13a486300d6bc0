"""A stream of Redis: the position is the id of an entry, each added behind the one before."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import redis
from redis.exceptions import RedisError, ResponseError

from ledger.publishing.destination import DestinationError, Message

_SECONDS_MAX = 10
_ADD_BEHIND = """
local info = redis.pcall('XINFO', 'STREAM', KEYS[1])
local last = '0-0'
for number = 1, #info, 2 do
  if info[number] == 'last-generated-id' then last = info[number + 1] end
end
if last ~= ARGV[1] .. '-0' then return 0 end
for number = 2, #ARGV, 3 do
  local id, topic, event = ARGV[number] .. '-0', ARGV[number + 1], ARGV[number + 2]
  redis.call('XADD', KEYS[1], id, 'topic', topic, 'event', event)
end
return 1
"""
"""Adds entries if the stream still ends where they belong; the first that fails ends it. So what
another publisher adds, or a server that has lost its end, leaves neither a double nor a hole."""


class RedisStream:
    """Appends entries `POSITION-0` with the fields `topic` and `event`."""

    has_own_end = True

    def __init__(self, address: str, stream: str) -> None:
        self._client = redis.Redis.from_url(
            address, socket_timeout=_SECONDS_MAX, socket_connect_timeout=_SECONDS_MAX
        )
        self._add_behind = self._client.register_script(_ADD_BEHIND)
        self._stream = stream

    def last_position(self) -> int:
        """Return the id of the last entry there ever was, also one that was trimmed."""
        with _failing():
            if not self._client.exists(self._stream):
                return 0
            last_id: bytes = self._client.xinfo_stream(self._stream)["last-generated-id"]
            return int(last_id.split(b"-")[0])

    def append(self, behind: int, messages: Sequence[Message]) -> None:
        """Append in one round trip and one step."""
        sent: list[bytes | str | int] = [behind]
        for message in messages:
            sent += [message.position, message.topic, message.body]
        with _failing():
            self._add_behind(keys=[self._stream], args=sent)

    def close(self) -> None:
        """End the connection."""
        self._client.close()


@contextmanager
def _failing() -> Iterator[None]:
    try:
        yield
    except ResponseError as error:
        raise DestinationError(f"Redis refuses: {error}") from error
    except RedisError as error:
        raise DestinationError(f"Redis does not answer: {type(error).__name__}") from error


def open_stream(address: str, stream: str) -> RedisStream:
    """Return a stream of this name; nothing is connected yet."""
    return RedisStream(address, stream)
