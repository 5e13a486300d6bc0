"""What whoever is published to must be able to do, and how it is named."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import Protocol
from urllib.parse import parse_qs, urlsplit

from ledger.errors import LedgerError, MissingExtraError
from ledger.setting_texts import web_address

STREAM = "ipn-ledger"
"""Its name in an engine, where none is given."""


class DestinationError(LedgerError, code="destination-failed"):
    """A destination could not be reached, or did not take what it was given; it may do so later."""


class DestinationDisabledError(DestinationError, code="destination-disabled"):
    """A destination is given nothing more until an operator enables it again."""


class DestinationBusyError(DestinationError, code="destination-busy"):
    """Another process publishes to this destination now."""


@dataclass(frozen=True, slots=True)
class Message:
    """One event on its way. Shape: `topic` has dots between its parts, `body` is a CloudEvent."""

    position: int
    topic: str
    body: bytes


class Destination(Protocol):
    """What takes events in their order: a stream in an engine, or somebody's address."""

    has_own_end: bool
    """Whether it says itself how far it has come, as a stream does; else a table says so."""

    def last_position(self) -> int:
        """Return the position of the last event that it has; 0 before the first.

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


@dataclass(frozen=True, slots=True)
class Address:
    """Where to publish. Shape: `url` may hold a password; `name` never does."""

    url: str = field(repr=False)
    stream: str
    name: str

    @property
    def is_webhook(self) -> bool:
        return urlsplit(self.url).scheme in _WEB


_WEB = ("https", "http")
_ENGINES = {
    "nats": ("ledger.publishing.nats_jetstream", "nats-py>=2.11"),
    "redis": ("ledger.publishing.redis_streams", "redis>=6"),
}


def read_address(text: str, name: str | None = None) -> Address:
    """Read where to publish: `nats://HOST:4222`, `redis://HOST:6379/0` or `https://HOST/PATH`.

    Shape: `?stream=NAME` names the stream of an engine. Errors: DestinationError for another.
    """
    parts = urlsplit(text)
    if parts.scheme in _WEB:
        try:
            return Address(web_address(text), "", name or text)
        except ValueError:
            raise DestinationError(
                "a webhook goes to https, or to http on this very machine, without a user, a"
                " password or a query"
            ) from None
    if parts.scheme not in _ENGINES or not parts.hostname:
        raise DestinationError(
            "give an address such as nats://HOST:4222, redis://HOST:6379/0 or https://HOST/PATH"
        )
    stream = parse_qs(parts.query).get("stream", [STREAM])[-1]
    place = parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="")
    shown = f"{place.geturl()}?stream={stream}"
    return Address(parts._replace(query="").geturl(), stream, name or shown)


def open_engine(address: Address) -> Destination:
    """Return the stream that an address names; nothing is connected yet.

    Errors: MissingExtraError without the engine's library.
    """
    scheme = urlsplit(address.url).scheme
    module, requirement = _ENGINES[scheme]
    try:
        engine = import_module(module)
    except ImportError as error:
        message = f"{scheme} needs a library that is not installed: pip install '{requirement}'"
        raise MissingExtraError(message) from error
    destination: Destination = engine.open_stream(address.url, address.stream)
    return destination
