"""What a request may reach: the ledger, the settings, the metrics and the clock."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from flask import Flask, current_app

from ledger.application import Ledger
from ledger.operations.metrics import Metrics
from ledger.settings import Settings

CONTEXT = "ipn-ledger"
"""The name of the context among the extensions of an application."""

Clock = Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class Context:
    """One per process; everything in it may be used by several threads at once."""

    ledger: Ledger
    settings: Settings
    metrics: Metrics
    clock: Clock
    is_stopping: Callable[[], bool]


def context() -> Context:
    """Return the context of this process."""
    return context_of(current_app)


def ledger() -> Ledger:
    """Return the ledger of this process."""
    return context().ledger


def today_in(zone: str) -> date:
    """Return the day that it is in a time zone."""
    return context().clock().astimezone(ZoneInfo(zone)).date()


def context_of(app: Flask) -> Context:
    """Return the context of an application, also before it serves a request."""
    context: Context = app.extensions[CONTEXT]
    return context
