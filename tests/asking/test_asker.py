"""What is asked, how often, and what is never done: against the services over real https."""

import ssl
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from ledger.asking.asker import OPERATOR, NotAllowedYetError
from ledger.asking.client import ask_platform
from ledger.asking.exchanges import newest_exchanges
from ledger.ipn.platform_answers import Question, Service
from ledger.queries.evidence import NO_SIGNATURE, evidence
from ledger.queries.state import current_state
from ledger.simulator.rest_answers import Fault
from ledger.simulator.signed_calls import SignedCall
from ledger.storage.answers import Answer, AnswerOutcome
from tests.asking.conftest import PASSWORD, Asking
from tests.builders import receive
from tests.simulator.conftest import SHOP_ID


def paid(signed_calls: list[SignedCall]) -> SignedCall:
    """A call about one payment that has an order."""
    return next(call for call in signed_calls if call.story == "paid-and-refunded")


def order_of(asking: Asking) -> Question:
    order_id = str(paid(asking.signed_calls).call.request.order_id)
    return Question(SHOP_ID, "TEST", Service.ORDER, order_id)


def transaction_of(asking: Asking) -> Question:
    payment = paid(asking.signed_calls).call.payment
    assert payment is not None
    return Question(SHOP_ID, "TEST", Service.TRANSACTION, str(payment.uuid))


def ask(asking: Asking, question: Question | None = None) -> str:
    question = question or transaction_of(asking)
    return answer_to(asking, question).outcome


def answer_to(asking: Asking, question: Question, **how: bool) -> Answer:
    answer = asking.asker.ask(asking.access, question, cause=OPERATOR, **how).answer
    assert answer is not None
    return answer


def test_what_was_never_told_is_asked_and_opens_as_evidence(asking: Asking) -> None:
    answer = answer_to(asking, order_of(asking))

    assert answer.outcome is AnswerOutcome.RECORDED
    proof = evidence(asking.ledger, answer.positions[0])
    assert proof.recorded.event.basis == "asked"
    assert (proof.signature, proof.is_digest_same, proof.is_linked) == (NO_SIGNATURE, True, True)
    assert b"orderDetails" in proof.body
    assert answer.certificate is not None
    assert (len(answer.certificate), answer.server) == (64, asking.services.host)


def test_a_signed_call_confirms_it_later(asking: Asking) -> None:
    ask(asking, order_of(asking))

    for call in asking.signed_calls:
        if call.story == "paid-and-refunded":
            receive(asking.ledger, call.body)

    entries = asking.ledger.events.events_after(0, 100)
    ids = sorted({each.event.originator_id for each in entries})
    states = [current_state(events) for events in asking.ledger.events.load(ids).values()]
    assert [state["unconfirmed"] for state in states if state["basis"] != "told"] == []
    assert not any(state["contradictions"] for state in states)


def test_what_the_platform_does_not_know_is_absent(asking: Asking) -> None:
    unknown = Question(SHOP_ID, "TEST", Service.ORDER, "nothing-of-the-kind")

    assert ask(asking, unknown) is AnswerOutcome.ABSENT


def test_one_question_a_minute_is_asked(asking: Asking) -> None:
    ask(asking)

    with pytest.raises(NotAllowedYetError):
        ask(asking)
    asking.clock.forward(seconds=61)
    ask(asking)

    assert len(asking.services.requests) == 2


def test_whoever_is_too_often_there_comes_less_often(asking: Asking) -> None:
    asking.services.fail_next(Fault.TOO_OFTEN, Fault.TOO_OFTEN)

    for _ in range(20):
        with suppress(NotAllowedYetError):
            ask(asking)
        asking.clock.forward(seconds=30)

    assert len(asking.services.requests) <= 6  # two that failed cost two and four minutes
    assert len([each for each in _exchanges(asking) if each == "PSP_099"]) == 2


def _exchanges(asking: Asking) -> list[str | None]:
    with asking.ledger.database.connect() as connection:
        every = newest_exchanges(connection, asking.access, asking.clock())
    return [each.answer.reason if each.answer else None for each in every]


def test_wrong_credentials_stop_the_shop_until_its_password_changes(asking: Asking) -> None:
    right = asking.access
    asking.access = replace(right, password="testpassword_Wrong")
    assert ask(asking) is AnswerOutcome.REFUSED

    for _ in range(5):
        asking.clock.forward(days=1)
        assert asking.asker.permission(asking.access).stopped_by == "INT_905"
        with pytest.raises(NotAllowedYetError, match="INT_905"):
            ask(asking)
    assert len(asking.services.requests) == 1

    asking.access = right
    assert ask(asking) is AnswerOutcome.RECORDED


def test_an_operator_may_try_a_stopped_shop_again(asking: Asking) -> None:
    asking.services.fail_next(Fault.WRONG_CREDENTIALS)
    ask(asking)
    asking.clock.forward(minutes=2)

    answer = answer_to(asking, transaction_of(asking), is_again=True)

    assert answer.outcome is AnswerOutcome.RECORDED


def test_so_many_questions_a_day_are_asked_and_no_more(asking: Asking) -> None:
    asking.access = replace(asking.access, requests_a_day=3)

    for _ in range(60):
        with suppress(NotAllowedYetError):
            ask(asking)
        asking.clock.forward(minutes=20)

    assert len(asking.services.requests) == 3
    asking.clock.forward(days=1)
    ask(asking)


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (Fault.OTHER_SHOP, "other-shop"),
        (Fault.OTHER_MODE, "other-mode"),
        (Fault.OTHER_UUID, "other-object"),
    ],
)
def test_an_answer_about_something_else_is_kept_and_not_recorded(
    asking: Asking, fault: Fault, reason: str
) -> None:
    asking.services.fail_next(fault)

    answer = answer_to(asking, transaction_of(asking))

    assert (answer.outcome, answer.reason) == (AnswerOutcome.NOT_RECORDED, reason)
    assert asking.ledger.events.newest_position() is None


@pytest.mark.parametrize(
    ("fault", "reason"),
    [(Fault.BROKEN, "http-500"), (Fault.CUT, "cut"), (Fault.BIG, "too-large")],
)
def test_a_failure_is_kept_in_a_word(asking: Asking, fault: Fault, reason: str) -> None:
    asking.services.fail_next(fault)

    answer = answer_to(asking, transaction_of(asking))

    assert (answer.outcome, answer.reason) == (AnswerOutcome.FAILED, reason)
    assert asking.asker.permission(asking.access).at > asking.clock.now


def test_a_redirect_is_not_followed_and_gets_no_password(asking: Asking) -> None:
    asking.services.fail_next(Fault.REDIRECT)

    answer = answer_to(asking, transaction_of(asking))

    assert (answer.outcome, answer.reason) == (AnswerOutcome.FAILED, "redirected")
    assert [each.host for each in asking.services.requests] == ["127.0.0.1"]


def test_a_certificate_that_nobody_vouches_for_gets_no_password(asking: Asking) -> None:
    asking.access = replace(asking.access, authorities_file=None)

    answer = answer_to(asking, transaction_of(asking))

    assert (answer.outcome, answer.reason) == (AnswerOutcome.FAILED, "tls")
    assert asking.services.requests == []


def test_a_machine_that_is_not_there_is_a_failure(asking: Asking) -> None:
    reply = ask_platform(replace(asking.access, host="127.0.0.1:9"), transaction_of(asking))

    assert reply.failed_by == "unreachable"


def test_whoever_was_killed_between_question_and_answer_has_asked(asking: Asking) -> None:
    asking.access = replace(asking.access, requests_a_day=1)
    asking.ledger.answering.note_question(
        transaction_of(asking), cause=OPERATOR, key_fingerprint=asking.access.fingerprint
    )

    assert asking.asker.permission(asking.access).at > asking.clock.now
    with pytest.raises(NotAllowedYetError):
        ask(asking)
    asking.clock.forward(days=1, minutes=5)
    assert ask(asking) is AnswerOutcome.RECORDED


def test_nothing_but_reading_services_was_ever_called(asking: Asking) -> None:
    for question in (order_of(asking), transaction_of(asking)):
        ask(asking, question)
        asking.clock.forward(minutes=2)

    assert asking.services.changing_requests == []
    assert {each.service for each in asking.services.requests} == {*Service}
    with pytest.raises(ValueError, match="Refund"):
        Service("Transaction/Refund")


def test_no_secret_is_printed(asking: Asking, certificate: Path, tls: ssl.SSLContext) -> None:
    answer = answer_to(asking, transaction_of(asking))

    assert PASSWORD not in repr(asking.access) + repr(answer)
