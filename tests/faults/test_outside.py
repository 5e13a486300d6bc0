"""The verification from outside finds what it is there to find."""

from collections.abc import Iterator

import pytest

from ledger.ipn.signature import digest
from tests.audit.tampering import damage, follow
from tests.builders import a_delivery
from tests.faults.ground import Ground
from tests.faults.outside import Answered, Verdict, verdict


@pytest.fixture
def ground(sqlite_url: str) -> Iterator[Ground]:
    ground = Ground(sqlite_url)
    for body in ground.bodies_of("refund-retried", 1):
        ground.send(body)
    follow(ground.ledger)
    yield ground
    ground.close()


def verdict_of(ground: Ground, *more_answers: Answered) -> Verdict:
    deliveries = [a_delivery(body) for body in ground.bodies]
    return verdict(ground.ledger, [*ground.answered, *more_answers], deliveries)


def test_a_ledger_as_it_should_be_is_clean(ground: Ground) -> None:
    assert verdict_of(ground) == Verdict()


def test_what_was_acknowledged_and_is_not_there_is_lost(ground: Ground) -> None:
    line = "OK recorded 01M83KPPS99HB56BSHJGJSYKHY"

    assert verdict_of(ground, Answered(digest(b"a body"), 200, line)).lost == [line]


def test_what_was_acknowledged_and_is_there_otherwise_is_lost(ground: Ground) -> None:
    first = ground.answered[0]

    assert verdict_of(ground, Answered(digest(b"a body"), 200, first.line)).lost == [first.line]


def test_an_answer_cut_off_after_its_status_was_an_answer(ground: Ground) -> None:
    first = ground.answered[0]

    assert verdict_of(ground, Answered(first.digest, 200, "OK reco")) == Verdict()
    assert verdict_of(ground, Answered(digest(b"a body"), 200, "")).lost == [""]


def test_what_was_refused_and_not_kept_is_lost(ground: Ground) -> None:
    line = "KO bad-signature"

    assert verdict_of(ground, Answered(digest(b"a body"), 400, line)).lost == [line]


def test_an_event_that_nobody_told_is_found(ground: Ground) -> None:
    copied = "originator_version + 100, topic, origin_id, state"
    columns = "originator_id, originator_version, topic, origin_id, state"
    damage(
        ground.database,
        f"INSERT INTO events ({columns}) SELECT originator_id, {copied} FROM events LIMIT 1",
    )

    seen = verdict_of(ground)

    assert seen.doubled
    assert seen.faults
    assert seen.differing
    assert seen.behind


def test_a_fact_that_was_told_and_brought_no_event_is_found(ground: Ground) -> None:
    body = ground.bodies_of("payment-accepted", 2)[0]
    deliveries = [a_delivery(raw) for raw in (*ground.bodies, body)]

    assert verdict(ground.ledger, ground.answered, deliveries).differing


def test_a_view_that_lacks_a_row_is_found(ground: Ground) -> None:
    damage(ground.database, "DELETE FROM transactions_g1")

    assert verdict_of(ground).faults


def test_the_journal_tells_it_all_again(ground: Ground) -> None:
    assert verdict(ground.ledger, ground.answered) == Verdict()
