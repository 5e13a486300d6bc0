"""What a request may reach: the ledger, the settings, the metrics and the clock."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from flask import Flask, current_app

from ledger.application import Ledger
from ledger.operations.metrics import Metrics
from ledger.settings import Settings

_NAME = "ipn-ledger"

Clock = Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class Context:
    """One per process; everything in it may be used by several threads at once."""

    ledger: Ledger
    settings: Settings
    metrics: Metrics
    clock: Clock
    is_stopping: Callable[[], bool]

    def attach(self, app: Flask) -> None:
        app.extensions[_NAME] = self


def context() -> Context:
    """Return the context of this process."""
    held = current_app.extensions[_NAME]
    assert isinstance(held, Context)
    return held


def ledger() -> Ledger:
    """Return the ledger of this process."""
    return context().ledger


def context_of(app: Flask) -> Context:
    """Return the context of an application before it serves a request."""
    with app.app_context():
        return context()
