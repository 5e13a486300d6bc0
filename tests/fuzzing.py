"""Make up hostile bodies for some seconds, and keep a body of each kind that is met.

`python -m tests.fuzzing --seconds 600` sends bodies to a ledger. A body that is not answered and
stored as it must be stops it and is written to `tests/data/hostile`; so is, with `--keep`, the
first that becomes something not yet in there. `tests/properties/test_hostile_corpus.py` plays
them all again.
"""

import argparse
import json
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import parse_qsl

from ledger.application import Ledger
from ledger.ipn.refusal_reasons import REASONS, UNDECIDED_ALONE
from ledger.queries.event_sentences import describe
from ledger.queries.history import history_data, timeline
from ledger.queries.readable import find_delivery
from ledger.queries.state import current_state
from ledger.storage.database import Database
from ledger.storage.migrations import migrate
from tests.builders import DATA, a_delivery, a_ledger, example_body, examples, form_body, rest_body

CORPUS = DATA / "hostile"
BYTES_MAX = 20_000  # of a body that is kept

TEXTS = (
    *("", " ", "0", "-0", "+1", "-1", "1e3", "12,50", "NaN", "9" * 19, "9" * 400, "٣", "1_000"),
    *("\0", "a\0b", "\ufeff", "\ufffd", "\u2028", "\ud7ff", "\U0010ffff", "%00", "é" * 300),
    *("TEST", "test", "PRODUCTION", "12345678", "AUTHORISED", "CAPTURED", "REFUSED", "ABANDONED"),
    *("00010101000000", "99991231235959", "20260231000000", "9999-12-31T23:59:59-14:00", "soon"),
    *("978", "998", "EUR", "ZZZ", "DEBIT", "CREDIT", "VERIFICATION", "RETRY", "PAY", "REC"),
    *("{", "[]", "null", '{"transactions":[{}]}', '{"transactions":[{"trans_uuid":1}]}', "';--"),
)  # fmt: skip
VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1.5, 10**18, 10**400, float("nan"), float("inf"), "\ud800"),
    *([], {}, [[]], [{}], {"a": 1}, {"_type_": "uuid_hex", "_data_": "0" * 32}, [None] * 50),
)


def bodies(rng: random.Random) -> Iterator[bytes]:
    """Yield hostile bodies without end, made of examples and the corpus, mostly well signed."""
    seeds = [example_body(*name) for name in examples()]
    seeds += [path.read_bytes() for path in sorted(CORPUS.glob("*.body"))]
    while True:
        body = rng.choice(seeds)
        yield rng.choices((_resigned, _bytes), (9, 1))[0](body, rng)


def _resigned(body: bytes, rng: random.Random) -> bytes:
    fields = dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
    if "kr-answer" not in fields:
        return _form(fields, rng)
    try:
        answer = json.loads(fields["kr-answer"])
    except (ValueError, RecursionError):
        return _bytes(body, rng)
    for _ in range(rng.randrange(1, 5)):
        answer = _changed(answer, rng)
    is_text = isinstance(answer, str)
    text = answer if is_text else json.dumps(answer, ensure_ascii=rng.random() < 0.5)
    text = text.encode("utf-8", "replace").decode()
    source = rng.choice((fields.get("kr-src"), *TEXTS))
    try:
        return rest_body(json.loads(text) if rng.random() < 0.7 else text, source)
    except (ValueError, AttributeError, RecursionError):
        return rest_body(text, source)


def _form(fields: dict[str, str], rng: random.Random) -> bytes:
    fields.pop("signature", None)
    for _ in range(rng.randrange(1, 6)):
        name = rng.choice([*fields, "vads_new", "vads_payment_seq"])
        if rng.random() < 0.25:
            fields.pop(name, None)
        else:
            fields[name] = rng.choice((rng.choice(TEXTS), rng.choice([*fields.values(), ""])))
    return form_body(fields)


def _changed(value: Any, rng: random.Random) -> Any:
    """Return a JSON value with a part replaced, dropped, doubled or moved."""
    if isinstance(value, dict) and value and rng.random() < 0.93:
        name = rng.choice([*value])
        if rng.random() < 0.15:
            return {key: child for key, child in value.items() if key != name}
        if rng.random() < 0.05:
            return value | {rng.choice(TEXTS): value[name]}
        return value | {name: _changed(value[name], rng)}
    if isinstance(value, list) and value and rng.random() < 0.8:
        index = rng.randrange(len(value))
        doubled = [value[index]] * rng.choice((0, 1, 1, 1, 2))
        return [*value[:index], *(_changed(child, rng) for child in doubled), *value[index + 1 :]]
    return rng.choice((rng.choice(TEXTS), rng.choice(VALUES)))


def _bytes(body: bytes, rng: random.Random) -> bytes:
    for _ in range(rng.randrange(1, 4)):
        start = rng.randrange(len(body) + 1)
        end = min(len(body), start + rng.randrange(30))
        piece = rng.choice(
            (b"", b"&", b"=", b"%", b"%ff", b"\xff", b"\0", b"+", body[start:end] * 2)
        )
        body = body[:start] + piece + body[end:]
    return body


def receive_and_check(ledger: Ledger, body: bytes) -> str:
    """Return what a body became, in words; whatever it is, it is answered, stored and shown.

    Errors: AssertionError, or whatever the ledger should never have raised.
    """
    delivery = a_delivery(body)
    receipt = ledger.receive(delivery)
    row = find_delivery(ledger, receipt.id)
    assert row is not None
    assert (row.outcome, row.body) == (receipt.outcome, body)
    if receipt.outcome in ("quarantined", "undecided"):
        assert receipt.reason in REASONS.keys() - UNDECIDED_ALONE
        return f"{receipt.outcome}-{receipt.reason}"
    words: list[str] = []
    for recorded in _events_of(ledger, receipt.positions):
        events = ledger.events.history(recorded.event.originator_id)
        entries = timeline(events)
        assert describe(current_state(events), entries)
        json.dumps([history_data(entry) for entry in entries]).encode()
        words += [recorded.event.TOPIC, *(["odd"] if recorded.event.odd else [])]
    return "-".join([receipt.outcome, *sorted(set(words))]).replace(".", "-")


def _is_worth_keeping(outcome: str, body: bytes) -> bool:
    """Return True if a body is plain enough to be read by a person, and not a repeat."""
    return (
        not outcome.startswith("repeated")
        and outcome.count("transaction-") < 2
        and (len(body) < BYTES_MAX and outcome.count("alias-") + outcome.count("subscription-") < 2)
    )


def _events_of(ledger: Ledger, positions: tuple[int, ...]) -> list[Any]:
    return [
        recorded
        for position in positions
        for recorded in ledger.events.events_after(position - 1, 1)
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    parser.add_argument("--keep", action="store_true")
    options = parser.parse_args()
    sys.stderr.write(f"seed {options.seed}\n")
    CORPUS.mkdir(exist_ok=True)
    with TemporaryDirectory() as folder:
        database = Database(f"sqlite:///{Path(folder) / 'fuzzed.sqlite'}")
        migrate(database)
        ledger = a_ledger(database, quarantine_count_max=10_000_000)
        outcomes = _fuzz(ledger, random.Random(options.seed), options.seconds, keep=options.keep)
        database.dispose()
    for outcome, number in outcomes.most_common():
        sys.stdout.write(f"{number:>8}  {outcome}\n")
    return 0


def _fuzz(ledger: Ledger, rng: random.Random, seconds: float, *, keep: bool) -> Counter[str]:
    """Send bodies for some seconds; return how often each outcome was met."""
    until, outcomes = time.monotonic() + seconds, Counter[str]()
    known = {path.stem for path in CORPUS.glob("*.body")}
    for body in bodies(rng):
        if time.monotonic() > until:
            break
        try:
            outcome = receive_and_check(ledger, body)
        except Exception:
            (CORPUS / f"found-{sum(outcomes.values())}.body").write_bytes(body)
            raise
        outcomes[outcome] += 1
        if keep and outcome not in known and _is_worth_keeping(outcome, body):
            known.add(outcome)
            (CORPUS / f"{outcome}.body").write_bytes(body)
    return outcomes


if __name__ == "__main__":
    sys.exit(main())
