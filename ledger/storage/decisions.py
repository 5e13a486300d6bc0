"""What became of undecided notifications later: their rows in the inbox stay as they are."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, and_, bindparam, func, insert, or_, select

from ledger.storage.database import padded
from ledger.storage.outcomes import Outcome
from ledger.storage.tables import IS_UNDECIDED, decisions, notifications

_DECIDED = (Outcome.RECORDED, Outcome.REPEATED)


@dataclass(frozen=True, slots=True, kw_only=True)
class LaterDecision:
    """What became of an undecided notification at a later try.

    Shape: `reason` and `error_class` are those of a try that failed; then it stays undecided.
    """

    id: str
    notification_id: str
    signed_tag: str
    decided_at: datetime
    outcome: Outcome
    code_version: str
    reason: str | None = None
    error_class: str | None = None
    positions: tuple[int, ...] = ()


def add_decision(connection: Connection, decision: LaterDecision) -> None:
    """Add what became of a notification."""
    row = {name: getattr(decision, name) for name in LaterDecision.__slots__}
    connection.execute(insert(decisions), row | {"positions": list(decision.positions)})


def newest_decisions(connection: Connection, ids: Sequence[str]) -> dict[str, LaterDecision]:
    """Return the newest decision about each of these notifications, as far as there is one."""
    if not ids:
        return {}
    newest = {}
    for row in connection.execute(_NEWEST, {"ids": padded(ids)}):
        columns = row._asdict()
        del columns["place"]
        columns |= {"outcome": Outcome(row.outcome), "positions": tuple(row.positions)}
        newest[row.notification_id] = LaterDecision(**columns)
    return newest


def is_undecided() -> ColumnElement[bool]:
    """Return the condition of rows in the inbox that still wait for a decision."""
    since = select(decisions.c.notification_id).where(decisions.c.outcome.in_(_DECIDED))
    return and_(IS_UNDECIDED, notifications.c.id.not_in(since))


def has_outcome(outcomes: Iterable[str]) -> ColumnElement[bool]:
    """Return the condition of rows in the inbox of which one of these is the newest outcome."""
    wanted = set(outcomes)
    decided = wanted.intersection(_DECIDED)
    since = select(decisions.c.notification_id).where(decisions.c.outcome.in_(decided))
    conditions = [
        notifications.c.outcome.in_(decided),
        and_(IS_UNDECIDED, notifications.c.id.in_(since)),
    ]
    return or_(*conditions, *([is_undecided()] if Outcome.UNDECIDED in wanted else []))


_NEWEST = select(decisions).where(
    decisions.c.place.in_(
        select(func.max(decisions.c.place))
        .where(decisions.c.notification_id.in_(bindparam("ids", expanding=True)))
        .group_by(decisions.c.notification_id)
    )
)
