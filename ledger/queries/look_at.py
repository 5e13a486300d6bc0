"""What an entry of the things to look at is, and how far back each looks."""

from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any, TypeVar

from ledger.queries.activity import Scope
from ledger.queries.filter_conditions import Filter
from ledger.queries.lists import Item

VERIFICATION_WAIT = timedelta(days=3)
"""A payment that stands under verification for so many whole UTC days waits too long."""
LOOKED_BACK = timedelta(days=30)
"""A contradiction, or a refused refund, is news for so long."""
WEEK_DAYS = 7
OBJECTS_MAX = 20


class LookAtCode(StrEnum):
    """What there is to look at."""

    VERIFICATION_TOO_LONG = "verification-too-long"
    AUTHORISATION_OVERDUE = "authorisation-overdue"
    VALIDATION_OVERDUE = "validation-overdue"
    INSTALMENTS_MISSED = "instalments-missed"
    REFUNDS_TO_RETRY = "refunds-to-retry"
    CONTRADICTIONS = "contradictions"
    GAPS = "gaps"
    SUSPECTS = "suspects"
    SHOPS_SILENT = "shops-silent"
    QUARANTINE_GROWS = "quarantine-grows"
    UNDECIDED = "undecided"


@dataclass(frozen=True, slots=True)
class LookAt:
    """One thing to look at.

    Shape: `count` is None while its read model is being built, and `is_bounded` when there are
    more; `oldest_at` is since when the oldest waits. `filters` select the list behind it, in days
    of UTC. `objects` are the first of them where no list has exactly these: kind, reference, shop.
    """

    code: LookAtCode
    count: int | None
    is_bounded: bool = False
    oldest_at: datetime | None = None
    filters: Filter | None = None
    objects: tuple[Item, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class Gaps:
    """Payments that files of the platform list otherwise than they are known, and since when."""

    count: int = 0
    first_day: date | None = None


_Filter = TypeVar("_Filter", bound=Filter)


def within(scope: Scope, filter_class: type[_Filter], **narrowed: Any) -> _Filter:
    """Return a filter within what a reader sees: of no shop when there is none."""
    shops = frozenset(scope.shops) if scope.is_limited else None
    return replace(filter_class.of({"mode": scope.mode, **narrowed}), shop_id=shops)
