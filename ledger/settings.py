"""What the operator decides, read from the environment once and checked at start."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path

from ledger.errors import SettingsError

DEFAULT_DATABASE_URL = "sqlite:///var/ledger.sqlite"
LOG_LEVELS = ("debug", "info", "warning", "error")

SECRET_KEY_MIN = 32

Network = IPv4Network | IPv6Network


@dataclass(frozen=True)
class Settings:
    """Units: sizes in bytes, times in seconds. Networks are empty when nothing is restricted."""

    database_url: str = field(default=DEFAULT_DATABASE_URL, repr=False)
    shops_file: Path | None = None
    secret_key: str = field(default="", repr=False)
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

    @property
    def has_pages(self) -> bool:
        """Return True if there is a key that can sign sessions.

        A short one is none; but that is no reason not to take notifications.
        """
        return len(self.secret_key) >= SECRET_KEY_MIN


def read_settings(environ: Mapping[str, str]) -> Settings:
    """Read the environment. Errors: SettingsError names the variable that is wrong."""
    shops_file = environ.get("LEDGER_SHOPS_FILE")
    return Settings(
        database_url=_database_url(environ.get("LEDGER_DATABASE_URL") or DEFAULT_DATABASE_URL),
        shops_file=Path(shops_file) if shops_file else None,
        secret_key=environ.get("LEDGER_SECRET_KEY", ""),
        trusted_proxies=_networks(environ, "LEDGER_TRUSTED_PROXIES"),
        allowed_sources=_networks(environ, "LEDGER_ALLOWED_SOURCES"),
        log_format=_choice(environ, "LEDGER_LOG_FORMAT", ("console", "json"), "console"),
        log_level=_choice(environ, "LEDGER_LOG_LEVEL", LOG_LEVELS, "info"),
        rate_per_token=_rate(environ, "LEDGER_RATE_PER_TOKEN", Settings.rate_per_token),
        rate_per_address=_rate(environ, "LEDGER_RATE_PER_ADDRESS", Settings.rate_per_address),
        cors_origins=_origins(environ, "LEDGER_CORS_ORIGINS"),
        **{
            name: _count(environ, f"LEDGER_{name.upper()}", default)
            for name, default in _LIMITS.items()
        },
    )


_LIMITS = {
    name: getattr(Settings, name)
    for name in (
        "body_bytes_max",
        "fields_max",
        "json_depth_max",
        "quarantine_count_max",
        "quarantine_bytes_max",
        "quarantine_total_count_max",
        "quarantine_total_bytes_max",
    )
}


def _database_url(url: str) -> str:
    for scheme in ("postgresql://", "postgres://", "postgresql+psycopg://"):
        if url.startswith(scheme):
            return "postgresql+psycopg://" + url.removeprefix(scheme)
    if url.startswith("sqlite:///"):
        return url
    raise SettingsError("LEDGER_DATABASE_URL must begin with sqlite:/// or postgresql://")


def _networks(environ: Mapping[str, str], name: str) -> tuple[Network, ...]:
    try:
        return tuple(ip_network(text, strict=False) for text in _words(environ, name))
    except ValueError as error:
        raise SettingsError(
            f"{name} must be addresses or ranges, for example 10.0.0.0/8"
        ) from error


def _choice(environ: Mapping[str, str], name: str, choices: tuple[str, ...], default: str) -> str:
    choice = environ.get(name) or default
    if choice not in choices:
        raise SettingsError(f"{name} must be one of {', '.join(choices)}")
    return choice


def _rate(environ: Mapping[str, str], name: str, default: str) -> str:
    rate = environ.get(name) or default
    if not re.fullmatch(r"[1-9][0-9]{0,8}/(second|minute|hour|day)", rate):
        raise SettingsError(f"{name} must be a rate, for example 600/minute")
    return rate


def _origins(environ: Mapping[str, str], name: str) -> tuple[str, ...]:
    origins = tuple(_words(environ, name))
    if not all(re.fullmatch(r"https?://[A-Za-z0-9.:\[\]-]+", origin) for origin in origins):
        raise SettingsError(f"{name} must be origins, for example https://audit.example.com")
    return origins


def _count(environ: Mapping[str, str], name: str, default: int) -> int:
    digits = environ.get(name) or str(default)
    if not digits.isascii() or not digits.isdigit() or int(digits) == 0:
        raise SettingsError(f"{name} must be a whole number above zero")
    return int(digits)


def _words(environ: Mapping[str, str], name: str) -> list[str]:
    return environ.get(name, "").replace(",", " ").split()
