"""Makes up hostile bodies for as long as it is told, and keeps one of each kind that it meets.

`python -m tests.fuzzing --seconds 600` plays bodies to a ledger. One that is not answered and kept
as it must be stops it and is written to `tests/data/hostile`; so is, with `--keep`, the first that
becomes something not yet in there. `tests/properties/test_hostile_corpus.py` plays them all again.
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
from ledger.items import item
from ledger.queries.event_sentences import describe
from ledger.reasons import REASONS
from ledger.storage.database import Database
from ledger.storage.migrations import migrate
from ledger.timeline import history_data, timeline
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
    """Hostile bodies without end: from examples and from the corpus, signed more often than not."""
    seeds = [example_body(*one) for one in examples()]
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
    told = (
        answer if isinstance(answer, str) else json.dumps(answer, ensure_ascii=rng.random() < 0.5)
    )
    told = told.encode("utf-8", "replace").decode()
    source = rng.choice((fields.get("kr-src"), *TEXTS))
    try:
        return rest_body(json.loads(told) if rng.random() < 0.7 else told, source)
    except (ValueError, AttributeError, RecursionError):
        return rest_body(told, source)


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
    """A JSON value with something in it replaced, dropped, doubled or moved."""
    if isinstance(value, dict) and value and rng.random() < 0.93:
        name = rng.choice([*value])
        if rng.random() < 0.15:
            return {key: one for key, one in value.items() if key != name}
        if rng.random() < 0.05:
            return value | {rng.choice(TEXTS): value[name]}
        return value | {name: _changed(value[name], rng)}
    if isinstance(value, list) and value and rng.random() < 0.8:
        index = rng.randrange(len(value))
        doubled = [value[index]] * rng.choice((0, 1, 1, 1, 2))
        return [*value[:index], *(_changed(one, rng) for one in doubled), *value[index + 1 :]]
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


def played(ledger: Ledger, body: bytes) -> str:
    """What a body became, in words; whatever it is, it is answered, kept, and can be shown.

    Errors: AssertionError, or whatever the ledger should never have raised.
    """
    delivery = a_delivery(body)
    receipt = ledger.receive(delivery)
    with ledger.database.connect() as connection:
        row = ledger.journal.get(connection, delivery.id)
    assert row is not None
    assert (row.outcome, row.body) == (receipt.outcome, body)
    if receipt.outcome == "quarantined":
        assert receipt.reason in REASONS
        return f"quarantined-{receipt.reason}"
    words: list[str] = []
    for one in _events_of(ledger, receipt.positions):
        events = ledger.events.history(one.event.originator_id)
        entries = timeline(events)
        assert describe(item(events), entries)
        json.dumps([history_data(entry) for entry in entries]).encode()
        words += [one.event.TOPIC, *("odd" for _ in (one.event.odd or [])[:1])]
    return "-".join([receipt.outcome, *sorted(set(words))]).replace(".", "-")


def _is_worth_keeping(became: str, body: bytes) -> bool:
    """Whether a body is plain enough to be read by a person, and not only an old one again."""
    return (
        not became.startswith("repeated")
        and became.count("transaction-") < 2
        and (len(body) < BYTES_MAX and became.count("alias-") + became.count("subscription-") < 2)
    )


def _events_of(ledger: Ledger, positions: tuple[int, ...]) -> list[Any]:
    return [one for at in positions for one in ledger.events.events_after(at - 1, 1)]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    parser.add_argument("--keep", action="store_true")
    told = parser.parse_args()
    rng, until, met = random.Random(told.seed), time.monotonic() + told.seconds, Counter[str]()
    CORPUS.mkdir(exist_ok=True)
    known = {path.stem for path in CORPUS.glob("*.body")}
    sys.stderr.write(f"seed {told.seed}\n")
    with TemporaryDirectory() as folder:
        database = Database(f"sqlite:///{Path(folder) / 'fuzzed.sqlite'}")
        migrate(database)
        ledger = a_ledger(database, quarantine_count_max=10_000_000)
        for body in bodies(rng):
            if time.monotonic() > until:
                break
            try:
                became = played(ledger, body)
            except Exception:
                (CORPUS / f"found-{sum(met.values())}.body").write_bytes(body)
                raise
            met[became] += 1
            if told.keep and became not in known and _is_worth_keeping(became, body):
                known.add(became)
                (CORPUS / f"{became}.body").write_bytes(body)
        database.dispose()
    for became, number in met.most_common():
        sys.stdout.write(f"{number:>8}  {became}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
