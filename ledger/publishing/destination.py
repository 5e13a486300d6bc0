"""What any engine must be able to do to be published to, and how one is named."""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Protocol
from urllib.parse import parse_qs, urlsplit

from ledger.errors import LedgerError, MissingExtraError

STREAM = "ipn-ledger"
"""Its name in an engine, where none is given."""


class DestinationError(LedgerError, code="destination-failed"):
    """An engine could not be reached, or did not take what it was given; it may do so later."""


@dataclass(frozen=True, slots=True)
class Message:
    """One event on its way. Shape: `topic` has dots between its parts, `body` is a CloudEvent."""

    position: int
    topic: str
    body: bytes


class Destination(Protocol):
    """A stream in an engine, whose own end says how far it has come."""

    def last_position(self) -> int:
        """Return the position of the last event in the stream; 0 before the first.

        Errors: DestinationError.
        """

    def append(self, behind: int, messages: Sequence[Message]) -> None:
        """Append events, each behind the one before and the first behind this position.

        Where the stream ends elsewhere, since another publisher was there before or the engine has
        lost its end, nothing is appended. Errors: DestinationError; the first events of these may
        be in the stream then.
        """

    def close(self) -> None:
        """Give back the connection."""


_ENGINES = {
    "nats": ("ledger.publishing.nats_jetstream", "nats-py>=2.11"),
    "redis": ("ledger.publishing.redis_streams", "redis>=6"),
}


def open_destination(address: str) -> Destination:
    """Return the stream that an address names: `nats://HOST:4222` or `redis://HOST:6379/0`.

    Shape: `?stream=NAME` names the stream. Nothing is connected yet.
    Errors: DestinationError for another address; MissingExtraError without the engine's library.
    """
    parts = urlsplit(address)
    if parts.scheme not in _ENGINES or not parts.hostname:
        raise DestinationError("give an address such as nats://HOST:4222 or redis://HOST:6379/0")
    module, requirement = _ENGINES[parts.scheme]
    stream = parse_qs(parts.query).get("stream", [STREAM])[-1]
    try:
        engine = import_module(module)
    except ImportError as error:
        message = (
            f"{parts.scheme} needs a library that is not installed: pip install '{requirement}'"
        )
        raise MissingExtraError(message) from error
    destination: Destination = engine.open_stream(parts._replace(query="").geturl(), stream)
    return destination
