"""Bundles for tests: logs made in memory, with deliveries, decisions and acts in them."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ledger.proof.bundle import Bundle, BundledEvent, BundledOrigin
from ledger.proof.entry import ACT, DECISION, DELIVERY, START, entry_bytes, event_claim
from ledger.proof.note import Checkpoint, SigningKey
from ledger.proof.tree import inclusion_proof, leaf_hash, root_of
from ledger.sealing.origin_secret import BODY, Commitments, part_name
from tests.proof.naive import Kept

KEY = SigningKey("ledger.example.com/shop", bytes(range(32)))
OTHER_KEY = SigningKey(KEY.name, bytes(range(1, 33)))
EMAIL = b"jo@example.org"
START_ENTRY = entry_bytes(START, {"at": "2026-11-01T12:00:00.000000Z"})


def an_id(number: int) -> str:
    return f"01M8Z0000000000000000{number:05}"


def an_event(number: int, origin: int = 0, **attributes: Any) -> BundledEvent:
    """An event with all that it can have; `number` is its position."""
    salt = Commitments(_secret(origin, b"personal")).salt(part_name(0))
    plain: dict[str, Any] = {
        "state": b'{"amount_minor":%d,"currency":"EUR"}' % (100 + number),
        "details": b'{"card_brand":"CB"}',
        "apart": b'{"cust_email":"%s"}' % EMAIL,
        "apart_salt": salt,
    }
    return BundledEvent(number, **plain | attributes)


def a_delivery(number: int, **attributes: Any) -> BundledOrigin:
    """A delivery with an event of its own, not yet in any log."""
    body = b"vads_cust_email=%s&vads_amount=%d" % (EMAIL, 100 + number)
    salt = Commitments(_secret(number, b"body")).salt(BODY)
    bundled_events = [an_event(10 * number + 1, number)]
    plain = BundledOrigin(an_id(number), b"", 0, [], body, salt, bundled_events)
    return with_entry(
        replace(plain, **attributes), DELIVERY, {"shop_id": "10000002", "mode": "TEST"}
    )


def a_decision(number: int) -> BundledOrigin:
    decision = BundledOrigin(an_id(number), b"", 0, [], None, None, [an_event(900, number)])
    return with_entry(decision, DECISION, {"notification": an_id(1), "outcome": "recorded"})


def an_act(number: int) -> BundledOrigin:
    plain = an_event(950, number, details=None, apart=None, apart_salt=None)
    act = BundledOrigin(an_id(number), b"", 0, [], None, None, [plain])
    return with_entry(act, ACT, {"act": "join", "reason": 'he said "id":"x", {"body":"00"}, [{'})


def a_repeat(number: int) -> BundledOrigin:
    salt = Commitments(_secret(number, b"body")).salt(BODY)
    repeat = BundledOrigin(an_id(number), b"", 0, [], b"again=1", salt)
    return with_entry(repeat, DELIVERY, {"outcome": "repeat", "repeats": [11, 12]})


def with_entry(origin: BundledOrigin, kind: str, fields: Mapping[str, Any]) -> BundledOrigin:
    """Write the entry that names exactly what an origin brings."""
    own = {"id": origin.id, **fields}
    if origin.body is not None:
        assert origin.body_salt is not None
        own["body"] = Commitments(_secret_of(origin, b"body")).commitment(BODY, origin.body)
    secret = Commitments(_secret_of(origin, b"personal"))
    claims = [
        event_claim(
            position=event.position,
            stream="c4fd" * 8,
            version=1,
            topic="transaction.captured",
            state=event.state,
            details=event.details,
            apart=None if event.apart is None else secret.commitment(part_name(0), event.apart),
        )
        for event in origin.bundled_events
    ]
    return replace(origin, entry=entry_bytes(kind, own, claims))


def in_a_log(
    origins: Sequence[BundledOrigin], *, earlier: int = 3, signing_key: SigningKey = KEY
) -> tuple[str, list[BundledOrigin]]:
    """Log origins behind so many earlier entries; return the signed checkpoint and their proofs."""
    before = [START_ENTRY, *(b"another entry %d" % number for number in range(1, earlier))][
        :earlier
    ]
    leaves = [leaf_hash(each) for each in [*before, *(origin.entry for origin in origins)]]
    log, size = Kept(leaves), len(leaves)
    proven = [
        replace(origin, index=index, hashes=inclusion_proof(log, index, size))
        for index, origin in enumerate(origins, start=len(before))
    ]
    return signing_key.sign(Checkpoint(signing_key.name, size, root_of(log, size)).text), proven


def a_bundle(*origins: BundledOrigin, **attributes: Any) -> Bundle:
    """A bundle of these origins; of four deliveries when none is named."""
    checkpoint, proven = in_a_log(origins or [a_delivery(number) for number in range(1, 5)])
    pages = {"history.html": b"<p>100.00 EUR</p>"}
    plain = Bundle("transaction-1", checkpoint, KEY.verifier.line, proven, pages=pages)
    return replace(plain, **attributes)


def _secret_of(origin: BundledOrigin, what: bytes) -> bytes:
    return _secret(int(origin.id[-5:]), what)


def _secret(number: int, what: bytes) -> bytes:
    return what.ljust(28, b".") + number.to_bytes(4, "big")
