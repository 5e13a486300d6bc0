"""What was erased is answered as gone; facts, lists and totals as before."""

from typing import Any

import pytest

from ledger.application import Ledger
from ledger.proof.signer import LogSigner
from ledger.queries.event_sentences import describe
from ledger.queries.history import timeline
from ledger.queries.readable import readable_events
from ledger.queries.state import current_state
from ledger.storage.database import Database
from tests.audit.tampering import follow
from tests.builders import UUID
from tests.privacy.erasing import a_paid_ledger, erase
from tests.proof.logged import ids_in_order
from tests.web.asking import AT, Asking


@pytest.fixture
def asking(database: Database, signer: LogSigner) -> Asking:
    ledger = a_paid_ledger(database, signer)
    return Asking(ledger)


def test_bodies_and_evidence_are_gone_and_name_the_erasure(
    asking: Asking, signer: LogSigner
) -> None:
    first = ids_in_order(asking.ledger.database)[0]
    done = erase(asking.ledger, signer)

    for path in (f"/api/v1/notifications/{first}/raw", f"{AT}/events/1/evidence"):
        response = asking.call(path, "operator")
        problem = response.get_json(force=True)
        assert response.status_code == 410
        assert (problem["code"], problem["erasure_id"]) == ("erased", done.id)


def without_masked(answer: Any) -> Any:
    """An answer but for what an erasure masks."""
    if isinstance(answer, list):
        return [without_masked(each) for each in answer]
    if isinstance(answer, dict):
        masked = {"personal", "details", "sealed", "erasure", "digest", "is_erased"}
        masked |= {"text"} if "is_erased" in answer else set()  # the sentence that says so
        return {name: without_masked(each) for name, each in answer.items() if name not in masked}
    return answer


def test_everything_else_is_answered_as_before(asking: Asking, signer: LogSigner) -> None:
    paths = (
        f"{AT}/transactions/{UUID}",
        f"{AT}/transactions/{UUID}/history",
        f"{AT}/orders/second",
        "/api/v1/totals",
        "/api/v1/transactions",
        "/api/v1/notifications",
    )
    before = [without_masked(asking.get(path, "operator")) for path in paths]

    erase(asking.ledger, signer)
    follow(asking.ledger)

    after = [without_masked(asking.get(path, "operator")) for path in paths]
    assert after == before


def test_a_history_says_when_it_was_erased_and_where_the_log_says_so(
    paid: Ledger, signer: LogSigner
) -> None:
    erase(paid, signer)

    events = readable_events(paid, paid.events.events_after(0, 1))

    assert "[erased 2026-11-23, entry 6]" in describe(current_state(events), timeline(events))
