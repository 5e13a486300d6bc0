"""Where the database is: named without its passwords, and looked at before it is opened."""

import os
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

MASK = "***"

_SHOWN = frozenset(
    {
        *("host", "hostaddr", "port", "user", "dbname", "sslmode", "sslrootcert", "sslcert"),
        *("connect_timeout", "application_name", "target_session_attrs", "channel_binding"),
        *("gssencmode", "keepalives", "client_encoding", "timeout", "mode", "uri"),
    }
)
"""Parameters of a URL that hold no secret; what stands in all others is never shown."""


def masked_url(url: str) -> str:
    """Return a database URL without what may be a password, wherever in it that stands."""
    parsed = parsed_url(url)
    if parsed is None:
        return f"{url.partition('://')[0]}://{MASK}" if "://" in url else MASK
    query = {name: each if name in _SHOWN else MASK for name, each in parsed.query.items()}
    _, at, host = (parsed.host or "").rpartition("@")  # a password with an `@` in it
    shown = parsed.set(drivername=parsed.get_backend_name(), query=query)
    if at:
        shown = shown.set(host=f"{MASK}@{host}")
    return shown.render_as_string(hide_password=True).replace("%2A%2A%2A", MASK)


def without_secrets(text: str, url: str) -> str:
    """Return a driver's words without what it repeats of the hidden parts of a URL."""
    parsed = parsed_url(url)
    for secret in _hidden(parsed) if parsed else ():
        text = text.replace(secret, MASK)
    return text


def obstacle(url: str) -> str | None:
    """Return why an SQLite file cannot be opened or made where a URL says; None if it may be."""
    path = sqlite_path(url)
    try:
        return _obstacle(path) if path else None
    except OSError as error:
        return f"{error.filename}: {error.strerror}"


def missing_file(url: str) -> Path | None:
    """Return the SQLite file of a URL if it is not there, and nothing else stands in its place."""
    path = sqlite_path(url)
    return None if path is None or obstacle(url) or path.exists() else path.absolute()


def sqlite_path(url: str) -> Path | None:
    """Return the file that a URL names; None for a server, or where it names none."""
    parsed = parsed_url(url)
    if parsed is None or parsed.get_backend_name() != "sqlite" or not parsed.database:
        return None
    return Path(parsed.database)


def parsed_url(url: str) -> URL | None:
    """Read a URL; None when it cannot be read. What is wrong with it is not repeated."""
    try:
        return make_url(url)
    except (ArgumentError, ValueError):
        return None


def _hidden(url: URL) -> Iterator[str]:
    yield from filter(None, [(url.host or "").rpartition("@")[0]])
    for name, texts in url.query.items():
        if name not in _SHOWN:
            yield from filter(None, [texts] if isinstance(texts, str) else texts)


def _obstacle(path: Path) -> str | None:
    if path.is_dir():
        return f"{path} is a folder, not a file"
    nearest = next(each for each in path.absolute().parents if each.exists())
    if not nearest.is_dir():
        return f"{nearest} is a file, not a folder"
    if path.exists():
        return None if os.access(path, os.R_OK) else f"{path}: Permission denied"
    return None if os.access(nearest, os.W_OK | os.X_OK) else f"{nearest}: Permission denied"
