"""What the operator decides, read from the environment once and checked at start."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import Any

from ledger.errors import SettingsError

LOG_LEVELS = ("debug", "info", "warning", "error")
SECRET_KEY_MIN = 32

Network = IPv4Network | IPv6Network


@dataclass(frozen=True)
class Settings:
    """What the environment says under `LEDGER_` and each name. Units: sizes in bytes.

    Shape: networks are empty when nothing is restricted.
    """

    database_url: str = field(default="sqlite:///var/ledger.sqlite", repr=False)
    shops_file: Path | None = None
    secret_key: str = field(default="", repr=False)
    metrics_token: str = field(default="", repr=False)
    trusted_proxies: tuple[Network, ...] = ()
    allowed_sources: tuple[Network, ...] = ()
    log_format: str = "console"
    log_level: str = "info"
    body_bytes_max: int = 256 * 1024
    fields_max: int = 10_000
    json_depth_max: int = 64
    quarantine_count_max: int = 1_000
    quarantine_bytes_max: int = 16 * 1024 * 1024
    quarantine_total_count_max: int = 100_000
    quarantine_total_bytes_max: int = 1024 * 1024 * 1024
    rate_per_token: str = "600/minute"  # noqa: S105  a rate, not a token
    rate_per_address: str = "1200/minute"
    cors_origins: tuple[str, ...] = ()

    @property
    def is_sqlite(self) -> bool:
        return self.database_url.startswith("sqlite")

    def allows_source(self, address: str) -> bool:
        """Return True if a call from this address may be verified; empty is no address."""
        return not self.allowed_sources or is_within(address, self.allowed_sources)

    @property
    def has_pages(self) -> bool:
        """Return True if there is a key that can sign sessions.

        A short one is none; but that is no reason not to take notifications.
        """
        return len(self.secret_key) >= SECRET_KEY_MIN


def read_settings(environ: Mapping[str, str]) -> Settings:
    """Read the environment. Errors: SettingsError names the variable that is wrong."""
    chosen: dict[str, Any] = {}
    for setting in fields(Settings):
        variable = f"LEDGER_{setting.name.upper()}"
        text = environ.get(variable)
        read, demand = _READERS.get(setting.name, _COUNT)
        try:
            if text:
                chosen[setting.name] = read(text)
        except ValueError:
            raise SettingsError(f"{variable} must {demand}") from None
    return Settings(**chosen)


def is_within(address: str, networks: Sequence[Network]) -> bool:
    """Return True if a written address belongs to one of these networks."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    return any(parsed in network for network in networks)


def _matching(pattern: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if not re.fullmatch(pattern, text):
            raise ValueError
        return text

    return read


def _one_of(choices: Sequence[str]) -> tuple[Callable[[str], str], str]:
    return _matching("|".join(choices)), f"be one of {', '.join(choices)}"


def _words(read_word: Callable[[str], Any]) -> Callable[[str], tuple[Any, ...]]:
    return lambda text: tuple(map(read_word, text.replace(",", " ").split()))


def _database_url(url: str) -> str:
    scheme, _, address = url.partition("://")
    if scheme in ("postgresql", "postgres", "postgresql+psycopg"):
        return f"postgresql+psycopg://{address}"
    return _matching("(?s)sqlite:///.*")(url)


_COUNT = (lambda text: int(_matching("0*[1-9][0-9]*")(text)), "be a whole number above zero")
_NETWORKS = (
    _words(lambda text: ip_network(text, strict=False)),
    "be addresses or ranges, for example 10.0.0.0/8",
)
_RATE = _matching("[1-9][0-9]{0,8}/(second|minute|hour|day)"), "be a rate, for example 600/minute"
_READERS: Mapping[str, tuple[Callable[[str], Any], str]] = {
    "database_url": (_database_url, "begin with sqlite:/// or postgresql://"),
    "shops_file": (Path, "be a path"),
    "secret_key": (str, "be text"),
    "metrics_token": (_matching(r"[!-~]{16,}"), "have 16 or more characters, without blanks"),
    "trusted_proxies": _NETWORKS,
    "allowed_sources": _NETWORKS,
    "log_format": _one_of(("console", "json")),
    "log_level": _one_of(LOG_LEVELS),
    "rate_per_token": _RATE,
    "rate_per_address": _RATE,
    "cors_origins": (
        _words(_matching(r"https?://[A-Za-z0-9.:\[\]-]+")),
        "be origins, for example https://audit.example.com",
    ),
}
"""How each setting is read, and what it must be; all that are not named are counts."""
