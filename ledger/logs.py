"""Log lines for people or for machines, behind a fence: no secret, no raw body, no forged line."""

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

_WITHHELD = "[withheld]"
_WITHHELD_WORDS = frozenset(
    {
        "answer",
        "authorization",
        "body",
        "cookie",
        "email",
        "form",
        "hash",
        "password",
        "query",
        "raw",
        "secret",
        "signature",
        "token",
    }
)
_TEXT_MAX = 2_000


def configure(log_format: str, log_level: str = "info") -> None:
    """Send every line, also those of the libraries, to stderr.

    Shape: `console` or `json`; `debug`, `info`, `warning` or `error`.
    """
    level = logging.getLevelNamesMapping()[log_level.upper()]
    before: list[Processor] = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        tell_where,
        fence,
    ]
    render = _renderer(log_format)
    structlog.configure(
        processors=[*before, render],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=_Stderr,
        cache_logger_on_first_use=False,
    )
    _configure_libraries(before, render, level)


@lru_cache(maxsize=1024)  # the platform calls from a few addresses
def network(peer: str) -> str:
    """Tell where somebody is without telling who. Shape: a /24 or /48 range, or `unknown`."""
    try:
        address = ip_address(peer)
    except ValueError:
        return "unknown"
    bits = 24 if address.version == 4 else 48
    return str(ip_network(f"{address}/{bits}", strict=False))


def tell_where(_logger: WrappedLogger, _name: str, line: EventDict) -> EventDict:
    """Replace an exception by its types and places.

    Messages of libraries quote what they choked on (a statement's parameters, a field's
    value), which may be a person's data; only our own refusals are known to be clean.
    """
    told = line.pop("exc_info", None)
    if told is True:
        told = sys.exc_info()
    error = told[1] if isinstance(told, tuple) else told
    if isinstance(error, BaseException):
        line["error"] = " < ".join(_name_of(one) for one in _chain(error))
        line["where"] = [_place(frame) for frame in traceback.extract_tb(error.__traceback__)]
    return line


def fence(_logger: WrappedLogger, _name: str, line: EventDict) -> EventDict:
    """Withhold what must not be in a log, whoever put it there, and escape control characters."""
    return {_clean_text(str(name)): _clean(str(name), value) for name, value in line.items()}


def _clean(name: str, value: Any) -> Any:
    if _is_withheld(name):
        return _WITHHELD
    if isinstance(value, bool | int | float | type(None)):
        return value
    if isinstance(value, bytes | bytearray | memoryview):
        return _WITHHELD
    if isinstance(value, Mapping):
        return {_clean_text(str(key)): _clean(str(key), one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_clean(name, one) for one in value]
    return value if isinstance(value, logging.LogRecord) else _clean_text(str(value))


@lru_cache(maxsize=1024)  # lines have few names, and many lines have the same
def _is_withheld(name: str) -> bool:
    return bool(_WITHHELD_WORDS & set(re.split(r"[^a-z]+", name.lower())))


def _clean_text(text: str) -> str:
    text = text if len(text) <= _TEXT_MAX else text[:_TEXT_MAX] + "…"
    if text.isprintable():
        return text
    return "".join(
        one if one.isprintable() else one.encode("unicode_escape").decode() for one in text
    )


def _chain(error: BaseException) -> list[BaseException]:
    found = [error]
    while (cause := found[-1].__cause__ or found[-1].__context__) and cause not in found:
        found.append(cause)
    return found


def _name_of(error: BaseException) -> str:
    name = type(error).__qualname__
    return f"{name}: {error}" if isinstance(error, LedgerError) else name


def _place(frame: traceback.FrameSummary) -> str:
    return f"{frame.filename}:{frame.lineno} {frame.name}"


def _renderer(log_format: str) -> Processor:
    if log_format == "json":
        return structlog.processors.JSONRenderer(sort_keys=False)
    return structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), sort_keys=False)


def _configure_libraries(before: list[Processor], render: Processor, level: int) -> None:
    strip = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    handler = logging.StreamHandler(_Stderr())
    handler.setLevel(level)  # a library that sets its own level does not pass it
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=before, processors=[strip, render], keep_exc_info=False
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [one for one in root.handlers if not _is_ours(one)] + [handler]
    root.setLevel(level)
    logging.getLogger("alembic").setLevel(logging.WARNING)


def _is_ours(handler: logging.Handler) -> bool:
    return isinstance(getattr(handler, "stream", None), _Stderr)


class _Stderr:
    """Standard error, found anew for each line; a full disk or a closed pipe stops no payment."""

    def __init__(self, *_: Any) -> None:
        """Take what structlog hands to a factory of loggers, and need none of it."""

    def write(self, text: str) -> None:
        with suppress(OSError, ValueError):
            sys.stderr.write(text)

    def flush(self) -> None:
        with suppress(OSError, ValueError):
            sys.stderr.flush()

    def msg(self, message: str) -> None:
        self.write(message + "\n")
        self.flush()

    debug = info = warning = warn = error = critical = fatal = exception = failure = log = msg
