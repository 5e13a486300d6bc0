"""Say in SQL which lines give away that other news was never told, and how sure that is."""

from collections.abc import Iterator
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Select,
    Table,
    Text,
    and_,
    case,
    cast,
    func,
    literal,
    null,
    or_,
    select,
    union,
    union_all,
)

from ledger.ipn.kinds import Kind
from ledger.projections.definition import CONTINUED, DOUBT
from ledger.projections.money_outcomes import ABANDONED_STATUS, NOT_MADE, WAITING
from ledger.projections.suspect_rules import (
    AUTHORISATION_WAITED_FOR,
    STATUS_WAITED_FOR,
    VALIDATION_WAITED_FOR,
    SuspectRule,
    Suspicion,
)

INSTALMENT = "instalment"
"""The kind of a line that says which number of its subscription was told."""

_NEVER_PAID = (
    *NOT_MADE,
    *WAITING,
    *VALIDATION_WAITED_FOR,
    ABANDONED_STATUS,
    "CANCELLED",
    "EXPIRED",
)
"""A payment that stands so cannot have been refunded; one of an unknown status may have been."""


def select_suspects(lines: Table, group_keys: Select[Any] | None = None) -> Select[Any]:
    """Return a row for each suspect; `group_keys` narrows to some streams, orders and parents."""
    rules = union_all(*_rules(lines, group_keys)).subquery()
    return select(*rules.c)


def _rules(lines: Table, group_keys: Select[Any] | None) -> Iterator[Select[Any]]:
    yield _overdue(lines, group_keys)
    yield _without_beginning(lines, group_keys)
    yield _parent_never_told(lines, group_keys)
    yield _refund_without_payment(lines, group_keys)
    yield _sequence_gap(lines, group_keys)
    yield _instalment_gap(lines, group_keys)


def select_touched_keys(lines: Table, line_ids: Select[Any]) -> Select[Any]:
    """Return the keys of all that some lines, by their ids, may raise or settle."""
    c = lines.c
    keys = union(
        *(
            select(column.label("group_key")).where(c.id.in_(line_ids), column.is_not(None))
            for column in (c.stream_id, c.order_id, c.uuid, c.parent_uuid)
        )
    ).subquery()
    return select(keys.c.group_key)


# -- one line --------------------------------------------------------------------------------------


def _overdue(lines: Table, group_keys: Select[Any] | None) -> Select[Any]:
    """Select transactions whose status should have changed by now."""
    c = lines.c
    waits = (
        (AUTHORISATION_WAITED_FOR, SuspectRule.AUTHORISATION_OVERDUE, c.authorisation_due_at),
        (STATUS_WAITED_FOR, SuspectRule.STATUS_OVERDUE, c.status_due_at),
        (VALIDATION_WAITED_FOR, SuspectRule.VALIDATION_OVERDUE, c.validation_due_at),
    )
    rule_name = case(*((c.status.in_(statuses), str(name)) for statuses, name, _ in waits))
    due_at = case(*((c.status.in_(statuses), column) for statuses, _, column in waits))
    is_likely = c.status.in_(VALIDATION_WAITED_FOR)
    degree = case((is_likely, str(Suspicion.LIKELY)), else_=str(Suspicion.CERTAIN))
    of_lines = _of_lines(lines, c.stream_id, rule_name, degree, due_at)
    return of_lines.where(*_counts(lines, c.stream_id, group_keys), due_at.is_not(None))


def _without_beginning(lines: Table, group_keys: Select[Any] | None) -> Select[Any]:
    """Select objects of which something is known, but not how they came to be."""
    c = lines.c
    rule_name = case(
        (c.kind == Kind.ALIAS.value, str(SuspectRule.ALIAS_NEVER_MADE)),
        (c.kind == Kind.SUBSCRIPTION.value, str(SuspectRule.SUBSCRIPTION_NEVER_OPENED)),
        else_=str(SuspectRule.HISTORY_WITHOUT_BEGINNING),
    )
    of_lines = _of_lines(lines, c.stream_id, rule_name, _written(Suspicion.HINT), c.news_due_at)
    is_object = and_(c.kind != INSTALMENT, c.has_beginning == 0)
    return of_lines.where(*_counts(lines, c.stream_id, group_keys), is_object)


def _parent_never_told(lines: Table, group_keys: Select[Any] | None) -> Select[Any]:
    """Select refunds and repeats of a transaction that nothing was told of."""
    c, parent = lines.c, lines.alias("parent")
    is_told = select(parent.c.id).where(_same_shop(parent, lines), parent.c.uuid == c.parent_uuid)
    rule_name, degree = _written(SuspectRule.PARENT_NEVER_TOLD), _written(Suspicion.CERTAIN)
    of_lines = _of_lines(lines, c.parent_uuid, rule_name, degree, c.news_due_at)
    return of_lines.where(
        *_counts(lines, c.parent_uuid, group_keys), c.parent_uuid.is_not(None), ~is_told.exists()
    )


def _of_lines(
    lines: Table,
    group_key: ColumnElement[Any],
    rule_name: ColumnElement[Any],
    degree: ColumnElement[Any],
    due_at: ColumnElement[Any],
) -> Select[Any]:
    """Return the query of a rule that looks at lines one by one."""
    c = lines.c
    return select(
        c.id,
        rule_name.label("rule"),
        group_key.label("group_key"),
        degree.label("certainty"),
        c.shop_id,
        c.mode,
        c.kind,
        func.coalesce(c.uuid, c.reference).label("reference"),
        c.alias,
        c.parent_uuid,
        c.status,
        cast(null(), BigInteger).label("missing_count"),
        c.first_seen_at,
        due_at.label("due_at"),
    )


# -- several lines ---------------------------------------------------------------------------------


def _refund_without_payment(lines: Table, group_keys: Select[Any] | None) -> Select[Any]:
    """Select orders with refunds that name no payment, and without a payment that was made."""
    c, payment = lines.c, lines.alias("payment")
    status = func.coalesce(payment.c.status, "")
    may_be_paid = or_(payment.c[DOUBT] == 1, status.not_in(_NEVER_PAID))
    is_paid = select(payment.c.id).where(
        _same_shop(payment, lines),
        payment.c.order_id == c.order_id,
        payment.c.operation_type == "DEBIT",
        payment.c[CONTINUED] == 0,
        may_be_paid,
    )
    rule_name, degree = _written(SuspectRule.REFUND_WITHOUT_PAYMENT), _written(Suspicion.CERTAIN)
    of_orders = _of_orders(
        lines, rule_name, degree, func.min(c.news_due_at), cast(null(), BigInteger)
    )
    return of_orders.where(
        *_counts(lines, c.order_id, group_keys),
        c.order_id.is_not(None),
        c.operation_type == "CREDIT",
        c.parent_uuid.is_(None),
        ~is_paid.exists(),
    ).group_by(c.shop_id, c.mode, c.order_id)


def _sequence_gap(lines: Table, group_keys: Select[Any] | None) -> Select[Any]:
    """Select orders with a number missing among the attempts, or parts, of one payment form.

    It is certain where a refused attempt was told before the gap: this shop is told of each.
    Without one the attempts before may be silent by a setting, and instalments not due yet.
    """
    c = lines.c
    number = c.sequence_number
    highest = func.max(case((c[DOUBT] == 0, number)))
    known_count = func.count(number.distinct())
    lowest_accepted = func.min(case((c.status.in_(NOT_MADE), None), else_=number))
    is_certain = and_(
        highest - func.min(number) + 1 > known_count,
        func.coalesce(lowest_accepted, highest) >= highest,
    )
    degree = case((is_certain, str(Suspicion.CERTAIN)), else_=str(Suspicion.LIKELY))
    rule_name = _written(SuspectRule.SEQUENCE_GAP)
    missing_count = cast(highest - known_count, BigInteger)
    of_orders = _of_orders(lines, rule_name, degree, func.max(c.news_due_at), missing_count)
    return (
        of_orders.where(
            *_is_there(lines, c.order_id, group_keys),
            c.order_id.is_not(None),
            c.trans_id.is_not(None),
            number > 0,
        )
        .group_by(c.shop_id, c.mode, c.order_id, c.trans_id)
        .having(highest > known_count)
    )


def _of_orders(
    lines: Table,
    rule_name: ColumnElement[Any],
    degree: ColumnElement[Any],
    due_at: ColumnElement[Any],
    missing_count: ColumnElement[Any],
) -> Select[Any]:
    """Return the query of a rule that looks at the lines of an order together."""
    c, nothing = lines.c, cast(null(), Text)
    return select(
        func.min(c.id).label("id"),
        rule_name.label("rule"),
        c.order_id.label("group_key"),
        degree.label("certainty"),
        c.shop_id,
        c.mode,
        literal("order", Text).label("kind"),
        c.order_id.label("reference"),
        nothing.label("alias"),
        nothing.label("parent_uuid"),
        nothing.label("status"),
        missing_count.label("missing_count"),
        func.min(c.first_seen_at).label("first_seen_at"),
        due_at.label("due_at"),
    )


def _instalment_gap(lines: Table, group_keys: Select[Any] | None) -> Select[Any]:
    """Select subscriptions with a number missing between the instalments that were told."""
    c, nothing = lines.c, cast(null(), Text)
    number = c.instalment_number
    known_count, all_count = func.count(), func.max(number) - func.min(number) + 1
    return (
        select(
            func.min(c.id).label("id"),
            _written(SuspectRule.INSTALMENT_GAP).label("rule"),
            c.stream_id.label("group_key"),
            _written(Suspicion.LIKELY).label("certainty"),
            func.min(c.shop_id).label("shop_id"),
            func.min(c.mode).label("mode"),
            literal(Kind.SUBSCRIPTION.value, Text).label("kind"),
            func.min(c.reference).label("reference"),
            func.min(c.alias).label("alias"),
            nothing.label("parent_uuid"),
            nothing.label("status"),
            cast(all_count - known_count, BigInteger).label("missing_count"),
            func.min(c.first_seen_at).label("first_seen_at"),
            func.max(c.news_due_at).label("due_at"),
        )
        .where(*_is_there(lines, c.stream_id, group_keys), c.kind == INSTALMENT)
        .group_by(c.stream_id)
        .having(all_count > known_count)
    )


# -- which lines -----------------------------------------------------------------------------------


def _counts(
    lines: Table, group_key: ColumnElement[Any], group_keys: Select[Any] | None
) -> list[ColumnElement[bool]]:
    """Return the conditions of lines that may raise something: doubtful ones only settle."""
    return [lines.c[DOUBT] == 0, *_is_there(lines, group_key, group_keys)]


def _is_there(
    lines: Table, group_key: ColumnElement[Any], group_keys: Select[Any] | None
) -> list[ColumnElement[bool]]:
    is_among = [] if group_keys is None else [group_key.in_(group_keys)]
    return [lines.c[CONTINUED] == 0, *is_among]


def _same_shop(neighbour: Any, lines: Table) -> ColumnElement[bool]:
    return and_(neighbour.c.shop_id == lines.c.shop_id, neighbour.c.mode == lines.c.mode)


def _written(rule_name: StrEnum) -> ColumnElement[Any]:
    return literal(rule_name.value, Text)
