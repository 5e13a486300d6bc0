"""The raw body behind an event, verified once more as an auditor can by hand, and made readable."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from ledger.access.bodies import holds_card_data, may_read_body, shown_text, shown_texts
from ledger.access.readers import Reader
from ledger.application import Ledger
from ledger.errors import NotFoundError, NotificationError
from ledger.ipn.delivery import read_fields
from ledger.ipn.kinds import Kind
from ledger.ipn.other_shops import UNEXPLAINED, is_signed_for_another_shop
from ledger.ipn.parse import claim_of, read_trusted, verify
from ledger.ipn.platform_answers import NAME as ANSWER
from ledger.ipn.refusal_reasons import SIGNED_WITH_SHA_1, remedy
from ledger.ipn.shops_and_keys import FORM_SHA1, Shop, Shops
from ledger.ipn.signature import digest
from ledger.ipn.snapshots import NotificationContent
from ledger.ipn.storable import INTEGER_MAX
from ledger.recording.answering import read_again
from ledger.recording.inbox_rows import delivery_of, missing_body
from ledger.storage.answers import evidence_records
from ledger.storage.event_store import RecordedEvent
from ledger.storage.inbox import InboxRecord
from ledger.storage.outcomes import Outcome, Sealed

VERIFIED, KEY_GONE, FAILED, ERASED = "verified", "key-gone", "failed", "erased"
NO_SIGNATURE = "asked"
"""What proves an answer to our own question is that question."""

EVENTS_MAX = 100
_SHA_1 = re.compile(r"[0-9A-Fa-f]{40}")


@dataclass(frozen=True, slots=True)
class Evidence:
    """What stands behind one event.

    Shape: `signature` is verified, key-gone (the key has left the shops file), failed, or asked,
    where there is none. The checks say whether the stored body has the digest noted on its
    arrival, and whether the delivery and the event still name each other.
    """

    recorded: RecordedEvent
    row: InboxRecord
    signature: str
    is_digest_same: bool
    is_linked: bool

    @property
    def is_sound(self) -> bool:
        """Return True if nothing speaks against this evidence."""
        return self.signature in (VERIFIED, NO_SIGNATURE) and self.is_digest_same and self.is_linked

    @property
    def body(self) -> bytes:
        return self.row.body or b""


def evidence(ledger: Ledger, position: int) -> Evidence:
    """Return the evidence of the event at a position. Errors: NotFoundError."""
    return evidence_behind(ledger, event_at(ledger, position))


def evidence_behind(ledger: Ledger, recorded: RecordedEvent) -> Evidence:
    """Return the evidence of one event. Errors: NotFoundError."""
    evidence_by_position = evidence_of(ledger, [recorded])
    if not evidence_by_position:
        raise NotFoundError("the delivery behind this event is not in the inbox")
    return evidence_by_position[recorded.position]


def evidence_of(ledger: Ledger, events: Sequence[RecordedEvent]) -> dict[int, Evidence]:
    """Return the evidence of events by position; an event without a delivery is left out.

    Deliveries are read at once, and each is verified once, however many events it caused.
    """
    ids = dict.fromkeys(recorded.event.notification_id for recorded in events)
    with ledger.database.connect() as connection:
        stored = evidence_records(connection, ids).values()
        rows = {row.id: row for row in ledger.sealing.with_bodies(connection, stored)}
    checks = {id_: (verified_again(ledger, row), _digest_same(row)) for id_, row in rows.items()}
    return {
        recorded.position: Evidence(
            recorded, rows[id_], *checks[id_], recorded.position in rows[id_].positions
        )
        for recorded in events
        if (id_ := recorded.event.notification_id) in rows
    }


def event_at(ledger: Ledger, position: int) -> RecordedEvent:
    """Return the event at a position of the ledger. Errors: NotFoundError."""
    if 0 < position <= INTEGER_MAX:
        for recorded in ledger.events.events_after(position - 1, 1, stop=position):
            return recorded
    raise NotFoundError(f"no event at position {position}")


def verified_again(ledger: Ledger, row: InboxRecord) -> str:
    """Verify a stored delivery with the very key of then, whatever its window is now.

    Shape: verified, key-gone, failed, or erased when there is no body any more; asked for an
    answer, which has no signature.
    """
    if row.sealed == Sealed.ERASED:
        return ERASED
    if row.format == ANSWER:
        return NO_SIGNATURE
    key = ledger.shops.key_by_fingerprint(row.key_fingerprint or "")
    if key is None:
        return KEY_GONE
    unlimited = replace(key, not_before=None, not_after=None)
    only = Shops({key.shop_id: Shop(key.shop_id, "", (unlimited,))})
    try:
        with ledger.sealing.tagging():
            again = verify(delivery_of(row), only, ledger.limits).notification
    except NotificationError:
        return FAILED
    names = (row.signed_tag, row.shop_id, row.mode)
    return VERIFIED if (again.signed_tag, again.shop_id, again.mode) == names else FAILED


def _digest_same(row: InboxRecord) -> bool:
    return digest(row.body or b"") == row.digest


# -- one delivery in full -----------------------------------------------------------------------


class Name(NamedTuple):
    """An object that a delivery is about."""

    kind: str
    name: str
    alias: str | None = None


@dataclass(frozen=True, slots=True)
class Body:
    """A raw body for a person. Shape: `fields` are decoded, in wire order, empty when the body is
    no form; `answers` are those of them that hold JSON, indented, by name. `is_masked` says that
    card data was taken out of all of these."""

    text: str
    size: int
    fields: dict[str, str]
    answers: dict[str, str]
    is_digest_same: bool
    is_masked: bool


def readable(ledger: Ledger, row: InboxRecord) -> Body:
    """Return the body of a delivery in a form that a person can read."""
    raw = row.body or b""
    try:
        fields = read_fields(delivery_of(row), ledger.limits)
    except NotificationError:
        fields = {}
    indented = {name: _indented_json(text) for name, text in fields.items()}
    answers = {name: text for name, text in indented.items() if text is not None}
    is_masked = holds_card_data(row, ledger.limits)
    return Body(
        shown_text(raw.decode("utf-8", "replace"), is_masked=is_masked),
        len(raw),
        shown_texts(fields, is_masked=is_masked),
        shown_texts(answers, is_masked=is_masked),
        _digest_same(row),
        is_masked,
    )


def body_text(ledger: Ledger, row: InboxRecord) -> str:
    """Return a body as text, without the card data in it."""
    text = (row.body or b"").decode("utf-8", "replace")
    return shown_text(text, is_masked=holds_card_data(row, ledger.limits))


def may_read(ledger: Ledger, reader: Reader, row: InboxRecord) -> bool:
    """Return True if a reader may have the body of a delivery byte for byte."""
    return may_read_body(reader, row, ledger.limits)


def explained(ledger: Ledger, row: InboxRecord) -> str | None:
    """Return the reason that fits a refused delivery better than the one of its arrival, if any.

    Shape: `wrong-shop`. It may take long where there are thousands of shops.
    """
    if row.outcome != Outcome.QUARANTINED or row.reason not in UNEXPLAINED:
        return None
    with ledger.sealing.tagging():
        is_another = is_signed_for_another_shop(delivery_of(row), ledger.shops, ledger.limits)
    return "wrong-shop" if is_another else None


def what_to_do(ledger: Ledger, row: InboxRecord, reason: str) -> str:
    """Return what to do about a delivery that waits, for a reason that fits it."""
    if _is_signed_with_sha_1(ledger, row, reason):
        return SIGNED_WITH_SHA_1
    return remedy(missing_body(row) or reason, is_undecided=row.outcome == Outcome.UNDECIDED)


def _is_signed_with_sha_1(ledger: Ledger, row: InboxRecord, reason: str) -> bool:
    """Return True if a refused form seems to be signed with SHA-1, for which there is no key."""
    if row.outcome != Outcome.QUARANTINED or reason not in UNEXPLAINED:
        return False
    delivery = delivery_of(row)
    try:
        fields = read_fields(delivery, ledger.limits)
    except NotificationError:
        return False
    claim = claim_of(delivery, ledger.limits)
    shop = ledger.shops.shop_by_id.get(claim.shop_id or "")
    has_key = shop and any((key.mode, key.kind) == (claim.mode, FORM_SHA1) for key in shop.keys)
    is_sha_1 = _SHA_1.fullmatch(fields.get("signature", "")) is not None
    return is_sha_1 and shop is not None and not has_key


def subjects(ledger: Ledger, row: InboxRecord) -> list[Name]:
    """Return the transactions, aliases and subscriptions that a verified delivery names."""
    content = content_of(ledger, row)
    if content is None:
        return []
    return [
        *(Name(Kind.TRANSACTION, sale.uuid or sale.reference) for sale in content.transactions),
        *(Name(Kind.ALIAS, alias.alias) for alias in content.aliases),
        *(
            Name(Kind.SUBSCRIPTION, plan.subscription_id, plan.alias)
            for plan in content.subscriptions
        ),
    ]


def content_of(ledger: Ledger, row: InboxRecord) -> NotificationContent | None:
    """Read again what an opened delivery or answer says; None for what was not read, or cannot be.

    Shape: code may read more strictly than that of then.
    """
    if row.key_fingerprint is None or row.body is None or row.outcome == Outcome.UNDECIDED:
        return None  # reading what is undecided would stumble again
    try:
        with ledger.sealing.tagging():
            if row.format == ANSWER:
                return read_again(ledger.database, row, ledger.limits)
            proof = row.key_fingerprint, row.signed_tag or ""
            return read_trusted(delivery_of(row), *proof, ledger.limits)[1]
    except NotificationError:
        return None


def caused(ledger: Ledger, row: InboxRecord) -> list[RecordedEvent]:
    """Return the events that a delivery caused; of very many, the first."""
    return [event_at(ledger, position) for position in row.positions[:EVENTS_MAX]]


def _indented_json(text: str) -> str | None:
    """Indent JSON for a person; return None for text that is no JSON."""
    if not text.lstrip().startswith(("{", "[")):
        return None
    try:
        return json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return None
