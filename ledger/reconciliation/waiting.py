"""Looks for payments among the deliveries that were refused, or that nobody could decide yet."""

from collections.abc import Iterator
from urllib.parse import parse_qs

import orjson
from sqlalchemy import Connection, or_, select

from ledger.reconciliation.journal_rows import JournalRow
from ledger.sealing.origin_secret import BODY
from ledger.sealing.sealing import Sealing
from ledger.storage.database import chunks
from ledger.storage.decisions import is_undecided
from ledger.storage.outcomes import Sealed
from ledger.storage.quarantine import quarantined_frames
from ledger.storage.tables import apparent_names, notifications, quarantine

_PARENTS = ("orderDetails", "transactions", "transactionDetails", "cardDetails")
_NAMES = ("uuid", "legacyTransId", "orderId")
_DEPTH_MAX = 10


class WaitingDeliveries:
    """The deliveries of a shop and mode that wait, by what they seem to be about."""

    def __init__(self, id_by_name: dict[str, str]) -> None:
        self._id_by_name = id_by_name

    def about(self, claim: JournalRow) -> str | None:
        """Return the id of a delivery that seems to be about a listed payment, or None."""
        names = [claim.uuid, claim.trans_id, None if claim.trans_id else claim.order_id]
        known = (self._id_by_name.get(name.lower()) for name in names if name)
        return next((id_ for id_ in known if id_ is not None), None)

    def named(self, name: str) -> str | None:
        """Return the id of the oldest delivery that names a payment or an order so, or None."""
        return self._id_by_name.get(name.lower())


def waiting_deliveries(
    connection: Connection, sealing: Sealing, shop_id: str, mode: str
) -> WaitingDeliveries:
    """Read what waits, the oldest delivery for each name. Errors: SettingsError."""
    c = quarantine.c
    is_of_shop = or_(c.shop_id == shop_id, c.shop_id.is_(None))
    is_of_mode = or_(c.mode == mode, c.mode.is_(None))
    ids = connection.scalars(select(c.id).where(is_of_shop, is_of_mode).order_by(c.id)).all()
    id_by_name = _undecided(connection, shop_id, mode)
    for chunk in chunks(ids):
        for locked in sorted(quarantined_frames(connection, chunk)):
            opened = None if locked.frame is None else sealing.open_frame(locked, BODY)
            if opened is None or isinstance(opened, Sealed):
                continue
            for name in _names_in(opened.content):
                id_by_name.setdefault(name.lower(), locked.origin_id)
    return WaitingDeliveries(id_by_name)


def _undecided(connection: Connection, shop_id: str, mode: str) -> dict[str, str]:
    c = apparent_names.c
    waits = select(notifications.c.id).where(is_undecided())
    query = select(c.name, c.notification_id).where(
        c.shop_id == shop_id, c.mode == mode, c.notification_id.in_(waits)
    )
    rows = connection.execute(query.order_by(c.notification_id.desc()))
    return {name.lower(): id_ for name, id_ in rows}


def _names_in(body: bytes) -> Iterator[str]:
    """Yield the names of payments in a body, however wrong it may be otherwise."""
    try:
        fields = parse_qs(body.decode("utf-8", "replace"), max_num_fields=5_000)
    except ValueError:
        return
    for name in ("vads_trans_uuid", "vads_trans_id", "vads_order_id"):
        yield from fields.get(name, [])
    for kr_answer in fields.get("kr-answer", []):
        try:
            yield from _named(orjson.loads(kr_answer), depth=0)
        except ValueError:
            continue


def _named(kr_answer: object, *, depth: int) -> Iterator[str]:
    if depth > _DEPTH_MAX:
        return
    if isinstance(kr_answer, list):
        for element in kr_answer:
            yield from _named(element, depth=depth + 1)
    elif isinstance(kr_answer, dict):
        for name, content in kr_answer.items():
            if name in _NAMES and isinstance(content, str):
                yield content
            elif name in _PARENTS:
                yield from _named(content, depth=depth + 1)
