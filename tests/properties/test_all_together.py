"""All that can happen to payments, in one ledger: it rebuilds, its audit is clean, it proves.

Each sort has tests of its own; here none of them may touch what is told beside it.
"""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from ledger.aggregates.basis import ASKED
from ledger.application import Ledger
from ledger.audit.run_checks import Audit
from ledger.ipn.kinds import KINDS
from ledger.projections.engine.registry import PROJECTIONS
from ledger.proof.bundle import bundle_files
from ledger.proof.collect import bundle_of, streams_of
from ledger.proof.signer import LogSigner
from ledger.queries.undecided import undecided_by_reason
from ledger.simulator.signed_calls import REST, synthetic_platform
from ledger.simulator.stories import STORIES
from ledger.storage.database import Database
from ledger.storage.outcomes import Outcome
from tests.asking.answering import about, answered, as_element, envelope
from tests.builders import (
    NOON,
    SHOP_ID,
    a_form_call,
    a_ledger,
    a_rest_call,
    an_answer,
    minutes,
    receive,
    shops,
)
from tests.privacy.erasing import erase
from tests.projections.brute_force import expected
from tests.projections.helpers import all_rows, follow, rebuilt
from tests.proof.checking import check_files, needs_openssl_and_xxd
from tests.proof.logged import sign
from tests.sealing.archiving import archive_all

pytestmark = needs_openssl_and_xxd

EACH = 2
"""How many payments of each sort a ledger gets."""
Step = Callable[[Ledger], object]


@dataclass
class Payments:
    """What is to happen to each payment, and under which names they are found then."""

    steps: list[list[Step]] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    erased: list[str] = field(default_factory=list)

    def add(self, uuid: str, *steps: Step) -> None:
        self.steps.append([*steps])
        self.names.append(uuid)

    def shuffled(self, chance: random.Random) -> Iterator[Step]:
        """Yield all steps, those of one payment in their order."""
        turns = [number for number, steps in enumerate(self.steps) for _ in steps]
        chance.shuffle(turns)
        waiting = [iter(steps) for steps in self.steps]
        yield from (next(waiting[number]) for number in turns)


def sent(body: bytes, outcome: Outcome | None = None, *, is_from_named_range: bool = True) -> Step:
    def step(ledger: Ledger) -> None:
        receipt = receive(ledger, body, is_from_named_range=is_from_named_range)
        assert receipt.outcome == outcome or (outcome is None and receipt.outcome != "quarantined")

    return step


def of(number: int) -> dict[str, str]:
    """What a form says of a payment of its own."""
    return {
        "trans_uuid": f"{number:032x}",
        "trans_id": f"{900_000 + number}",
        "order_id": f"order-{number // 3}",
        "cust_email": f"jo{number}@example.org",
    }


def plain(number: int, payments: Payments) -> None:
    call = a_form_call(**of(number))
    payments.add(
        of(number)["trans_uuid"],
        sent(call),
        sent(call),
        sent(a_form_call("CAPTURED", "BATCH", **of(number))),
    )


def joined(number: int, payments: Payments) -> None:
    """Told under its uuid and under its short number, and then by both."""
    apart = [
        a_form_call(**of(number) | {"sequence_number": None}),
        a_form_call("CAPTURED", **of(number) | {"trans_uuid": None}),
    ]
    payments.add(
        of(number)["trans_uuid"],
        *map(sent, apart),
        sent(a_form_call("CAPTURED", "BO", **of(number))),
    )


def doubtful(number: int, payments: Payments) -> None:
    """Told by a form with a name that is not the platform's; of one in two a better call comes."""
    steps = [sent(a_form_call(**of(number), never_documented="x"), is_from_named_range=False)]
    if number % 2:
        steps.append(sent(a_rest_call(at=minutes(number), uuid=of(number)["trans_uuid"])))
    payments.add(of(number)["trans_uuid"], *steps)


def undecided(number: int, payments: Payments) -> None:
    unreadable = a_form_call(**of(number), effective_amount="12,50")
    payments.add(
        of(number)["trans_uuid"],
        sent(unreadable, Outcome.UNDECIDED),
        sent(a_form_call(**of(number))),
    )


def erased(number: int, payments: Payments) -> None:
    """Erased once all of it is told; of the first there is one more call then."""
    plain(number, payments)
    payments.erased.append(of(number)["trans_uuid"])


def asked(number: int, payments: Payments) -> None:
    """Known by an answer of the platform; of one in two a call comes later and confirms it."""
    uuid = of(number)["trans_uuid"]
    call = an_answer(uuid=uuid, order={"orderId": f"order-{number // 3}"})

    def ask(ledger: Ledger) -> None:
        answered(ledger, about(uuid), envelope(as_element(call), at=minutes(number)))

    later = [sent(a_rest_call(at=minutes(number + 1), uuid=uuid))] if number % 2 else []
    payments.add(uuid, ask, *later)


def split(number: int, payments: Payments) -> None:
    """Paid by two means at once: two transactions in each call."""
    platform = synthetic_platform(shops(), SHOP_ID, "TEST", at=NOON)
    life = platform.signed_calls(STORIES["payment-split"], number, number, REST)
    for signed_call in life:
        uuids = [payment.uuid for payment in signed_call.shown_payments]
        payments.add(uuids[0], sent(signed_call.body))


SORTS = (plain, joined, doubtful, undecided, erased, asked, split)


@pytest.mark.parametrize("seed", range(2))
def test_all_sorts_of_payments_beside_each_other(
    database: Database, signer: LogSigner, tmp_path: Path, seed: int
) -> None:
    ledger = a_ledger(database, log_key_file=signer.file)
    chance = random.Random(seed)
    payments = Payments()
    for number, sort in enumerate(chance.sample(SORTS * EACH, len(SORTS) * EACH)):
        sort(number, payments)

    for number, step in enumerate(payments.shuffled(chance)):
        step(ledger)
        if number % 7 == 0:
            follow(ledger)
    follow(ledger)
    sign(ledger, signer)
    for uuid in payments.erased:
        erase(ledger, signer, uuid)
    assert archive_all(ledger.database, tmp_path / "archive")
    receive(ledger, a_form_call("CAPTURED", "BO", **of(int(payments.erased[0], 16))))
    follow(ledger)
    sign(ledger, signer)

    assert sorts_shown(ledger) == dict.fromkeys(sorts_shown(ledger), True)
    is_sound(ledger)
    followed = all_rows(ledger)
    for name in PROJECTIONS:
        rebuilt(ledger, name)
    assert all_rows(ledger) == followed
    is_sound(ledger)
    for name in payments.names:
        is_proven(ledger, name, tmp_path)


def sorts_shown(ledger: Ledger) -> dict[str, bool]:
    """Say which sorts the ledger shows as what they are: one that it lacks was not tried."""
    rows = all_rows(ledger)
    with ledger.database.connect() as connection:
        waiting = undecided_by_reason(connection)
    return {
        "joined": "transaction.joined" in {row["type"] for row in rows["audit_trail"]},
        "doubtful": any(row["is_doubtful"] for row in rows["transactions"]),
        "asked": any(row["basis"] == ASKED for row in rows["transactions"]),
        "undecided": waiting == {"amount-unreadable": EACH},
    }


def is_sound(ledger: Ledger) -> None:
    """Every total is that of the payments counted one by one, and an audit finds nothing."""
    assert all_rows(ledger) == expected(ledger)
    assert [*Audit(ledger).faults()] == []


def is_proven(ledger: Ledger, name: str, tmp_path: Path) -> None:
    streams = streams_of(ledger, KINDS[0], SHOP_ID, "TEST", name)
    bundle = bundle_of(ledger, KINDS[0], streams, reader=None)

    checked = check_files(bundle_files(bundle, facts_only=False), tmp_path, bundle.verifier_line)

    assert (checked.status, checked.files_at_fault) == (0, set()), checked.said
