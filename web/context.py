"""What a request may reach."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from flask import Flask, current_app

from ledger.metrics import Metrics
from ledger.settings import Settings

if TYPE_CHECKING:
    from ledger.application import Ledger

_NAME = "ipn-ledger"

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Context:
    """One per process; everything in it may be used by several threads at once."""

    ledger: "Ledger"
    settings: Settings
    metrics: Metrics
    clock: Clock
    is_stopping: Callable[[], bool]

    def attach(self, app: Flask) -> None:
        app.extensions[_NAME] = self


def context() -> Context:
    """What this process holds."""
    found = current_app.extensions[_NAME]
    assert isinstance(found, Context)
    return found


def ledger() -> "Ledger":
    """The ledger of this process."""
    return context().ledger
