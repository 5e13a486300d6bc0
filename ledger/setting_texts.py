"""Reads the texts that settings are written as. Errors: ValueError for what is none."""

import re
from base64 import b64decode
from collections.abc import Callable, Sequence
from ipaddress import ip_network
from typing import Any

WEBHOOK_KEY_MIN, WEBHOOK_KEY_MAX = 24, 64
"""Bytes of a key that signs webhooks. Source: Standard Webhooks."""


def matching(pattern: str) -> Callable[[str], str]:
    """Return what reads a text of this pattern. Errors: it raises ValueError for others."""

    def read(text: str) -> str:
        if not re.fullmatch(pattern, text):
            raise ValueError
        return text

    return read


def one_of(choices: Sequence[str]) -> tuple[Callable[[str], str], str]:
    """Return what reads one of these words, and what it demands."""
    return matching("|".join(choices)), f"be one of {', '.join(choices)}"


def words(read_word: Callable[[str], Any]) -> Callable[[str], tuple[Any, ...]]:
    """Return what reads several words, between commas or blanks."""
    return lambda text: tuple(map(read_word, text.replace(",", " ").split()))


def web_address(text: str) -> str:
    """Read an address without a query; only on this very machine may it lack https."""
    loopback = r"http://(?:localhost|127\.0\.0\.1|\[::1\])(?::[0-9]{1,5})?"
    return matching(rf"(?:https://[A-Za-z0-9.:\[\]-]+|{loopback})(?:/[^\s?#\\]*)?")(text)


def webhook_secret(text: str) -> str:
    """Read the key of webhooks as it is written. Errors: ValueError."""
    key = b64decode(text.removeprefix("whsec_"), validate=True)
    if not text.startswith("whsec_") or not WEBHOOK_KEY_MIN <= len(key) <= WEBHOOK_KEY_MAX:
        raise ValueError
    return text


def read_database_url(url: str) -> str:
    """Read where the ledger is. Errors: ValueError."""
    scheme, _, address = url.partition("://")
    if scheme in ("postgresql", "postgres", "postgresql+psycopg"):
        return f"postgresql+psycopg://{address}"
    return matching("(?s)sqlite:///.*")(url)


COUNT = (lambda text: int(matching("0*[1-9][0-9]*")(text)), "be a whole number above zero")
NETWORKS = (
    words(lambda text: ip_network(text, strict=False)),
    "be addresses or ranges, for example 10.0.0.0/8",
)
SOURCES = (
    lambda text: NETWORKS[0](re.sub(r"\bany\b", "0.0.0.0/0 ::/0", text)),
    "be addresses or ranges, for example 194.50.38.0/24, or `any`",
)
_A_YEAR = "(?:1[2-9]|[2-9][0-9]|[1-9][0-9]{2})m|(?:36[6-9]|3[7-9][0-9]|[4-9][0-9]{2})d"
PERIOD = f"(?:personal|evidence|quarantine|network)=[1-9][0-9]{{0,2}}[dm]|access_log=(?:{_A_YEAR})"
PERIODS = "be periods, as evidence=15m; access_log is kept for 12m, or 366d, or longer"
WEB_ADDRESS = (
    lambda text: web_address(text).rstrip("/"),
    "be an https address, for example https://ledger.example.com",
)
RATE = matching("[1-9][0-9]{0,8}/(second|minute|hour|day)"), "be a rate, for example 600/minute"
