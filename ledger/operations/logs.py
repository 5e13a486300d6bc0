"""Log lines for people or for machines, redacted: no secret, no raw body, no forged line."""

import logging
import re
import sys
import traceback
from collections.abc import Mapping
from contextlib import suppress
from functools import lru_cache
from ipaddress import ip_address, ip_network
from typing import Any

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from ledger.errors import LedgerError

_REDACTED = "[redacted]"
_SECRET_NAME = re.compile(
    r"(?<![a-z])(?:answer|authorization|body|cookie|email|form|hash|password|query|raw|secret"
    r"|signature|token)(?![a-z])"
)
_TEXT_MAX = 2_000


def configure(log_format: str, log_level: str = "info") -> None:
    """Send every line, also those of the libraries, to standard error.

    Shape: `console` or `json`; `debug`, `info`, `warning` or `error`.
    """
    level = logging.getLevelNamesMapping()[log_level.upper()]
    processors: list[Processor] = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        replace_exception,
        redact,
    ]
    render: Processor = structlog.processors.JSONRenderer(sort_keys=False)
    if log_format == "console":
        render = structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), sort_keys=False)
    structlog.configure(
        processors=[*processors, render],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(_STDERR),  # type: ignore[arg-type]  # as far as it writes
        cache_logger_on_first_use=False,
    )
    _configure_libraries(processors, render, level)


@lru_cache(maxsize=1024)  # the platform calls from a few addresses
def network(peer: str) -> str:
    """Return the network of an address: where, not who. Shape: a /24 or /48, or `unknown`."""
    try:
        address = ip_address(peer)
    except ValueError:
        return "unknown"
    bits = 24 if address.version == 4 else 48
    return str(ip_network(f"{address}/{bits}", strict=False))


def replace_exception(_logger: WrappedLogger, _name: str, line: EventDict) -> EventDict:
    """Replace an exception by the types and places of it and its causes.

    Messages of libraries quote what they choked on (a statement's parameters, a field's
    value), which may be a person's data; only our own refusals are known to be clean.
    """
    exc_info = line.pop("exc_info", None)
    if exc_info is True:
        exc_info = sys.exc_info()
    exception = exc_info[1] if isinstance(exc_info, tuple) else exc_info
    if isinstance(exception, BaseException):
        line["error"] = " < ".join(map(_name_of, _chain(exception)))
        line["where"] = [
            f"{frame.filename}:{frame.lineno} {frame.name}"
            for frame in traceback.extract_tb(exception.__traceback__)
        ]
    return line


def redact(_logger: WrappedLogger, _name: str, line: EventDict) -> EventDict:
    """Redact what must not be in a log, whoever put it there, and escape control characters."""
    return {_clean_text(str(name)): _clean(str(name), value) for name, value in line.items()}


def _clean(name: str, value: Any) -> Any:
    if _is_secret(name) or isinstance(value, bytes | bytearray | memoryview):
        return _REDACTED
    if isinstance(value, bool | int | float | logging.LogRecord | None):
        return value
    if isinstance(value, Mapping):
        return {_clean_text(str(key)): _clean(str(key), part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_clean(name, part) for part in value]
    return _clean_text(str(value))


@lru_cache(maxsize=1024)  # lines have few names, and many lines have the same
def _is_secret(name: str) -> bool:
    return _SECRET_NAME.search(name.lower()) is not None


def _clean_text(text: str) -> str:
    text = text if len(text) <= _TEXT_MAX else text[:_TEXT_MAX] + "…"
    if text.isprintable():
        return text
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode()
        for character in text
    )


def _chain(exception: BaseException) -> list[BaseException]:
    chain = [exception]
    while (cause := chain[-1].__cause__ or chain[-1].__context__) and cause not in chain:
        chain.append(cause)
    return chain


def _name_of(exception: BaseException) -> str:
    name = type(exception).__qualname__
    # the database's own code holds no value: SQLITE_FULL, or an SQLSTATE
    code = getattr(exception, "sqlite_errorname", None) or getattr(exception, "sqlstate", None)
    name = f"{name} {code}" if code else name
    return f"{name}: {exception}" if isinstance(exception, LedgerError) else name


def _configure_libraries(processors: list[Processor], render: Processor, level: int) -> None:
    strip = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    handler = logging.StreamHandler(_STDERR)
    handler.setLevel(level)  # a library that sets its own level does not pass it
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, *processors],
            processors=[strip, render],
            keep_exc_info=False,
        )
    )
    root = logging.getLogger()
    foreign = [other for other in root.handlers if getattr(other, "stream", None) is not _STDERR]
    root.handlers[:] = [*foreign, handler]
    root.setLevel(level)
    logging.getLogger("alembic").setLevel(logging.WARNING)


class _Stderr:
    """Standard error, found anew for each line; a full disk or a closed pipe stops no payment."""

    def write(self, text: str) -> None:
        with suppress(OSError, ValueError):
            sys.stderr.write(text)

    def flush(self) -> None:
        with suppress(OSError, ValueError):
            sys.stderr.flush()


_STDERR = _Stderr()
