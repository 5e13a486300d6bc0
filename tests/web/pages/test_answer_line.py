"""The sentence that answers for a payment and for an order: one text for pages and API."""

import html
import re
from typing import Any

import pytest
from flask import Flask

from ledger.queries.summaries import order_summary, transaction_summary
from tests.builders import UUID, receive
from tests.queries.filling import follow
from tests.queries.test_summaries import PAID_ON, a_state
from tests.queries.test_summaries import a_refund as a_refunded_state
from tests.web.asking import AT as API
from tests.web.asking import Asking
from tests.web.pages.payments import AT
from tests.web.pages.visiting import Visiting
from tests.web.test_api_orders import a_refund
from web.pages.answer_line import sentence
from web.pages.languages import register, speaking

State = dict[str, Any]
KNOWN = "known to us since 26 Nov 2026, 15:02:00 UTC; verified by signature."
CONNU = "connu de nous depuis le 26 nov. 2026, 15:02:00 UTC\u202f; signature vérifiée."
PARTLY_REFUNDED = order_summary(a_state(), [a_state(), a_refunded_state()])
REFUSED = transaction_summary(a_state("REFUSED", authorisation_result="51"), [])
SEVERAL = order_summary(
    a_state(),
    [
        a_state(currency="EUR", amount_minor=1_200),
        a_state("CAPTURED", currency="EUR", amount_minor=800),
        a_state("SUSPENDED", currency="CHF", amount_minor=500, capture_at=None),
        a_state(doubtful=True, currency="CHF"),
    ],
)
SENTENCES = (
    (
        "en",
        PARTLY_REFUNDED,
        "Paid (authorised) KWD 39.738 on 22 Sept 2026 (capture planned for 23 Sept 2026, not"
        " notified for cards); refunded KWD 38.247 on 27 Sept 2026; net KWD 1.491; " + KNOWN,
    ),
    (
        "fr",
        PARTLY_REFUNDED,
        "Payé (autorisé) 39,738 KWD le 22 sept. 2026 (remise prévue le 23 sept. 2026, non notifiée"
        " pour les cartes)\u202f; remboursé 38,247 KWD le 27 sept. 2026\u202f; net 1,491 KWD"
        "\u202f; " + CONNU,
    ),
    (
        "en",
        REFUSED,
        "Not paid: Refused (Insufficient funds, 51), KWD 39.738, created on 22 Sept 2026; " + KNOWN,
    ),
    (
        "fr",
        REFUSED,
        "Non payé : Refusé (Provision insuffisante, 51), 39,738 KWD, créé le 22 sept. 2026\u202f; "
        + CONNU,
    ),
    (
        "en",
        SEVERAL,
        "Paid (authorised) CHF 5.00 on 22 Sept 2026 (Suspended, capture not notified for cards); no"
        " refund notified; 1 doubtful transaction not counted; paid (authorised) €20.00 in 2"
        " transactions, the last on 22 Sept 2026 (€8.00 of it captured); no refund notified; "
        + KNOWN,
    ),
    (
        "en",
        transaction_summary(a_state("CAPTURED", captured_at=PAID_ON), None),
        "Paid KWD 39.738 on 22 Sept 2026 (captured on 22 Sept 2026); refunds not known here; "
        + KNOWN,
    ),
    (
        "en",
        transaction_summary(
            a_refunded_state(status="REFUND_TO_RETRY", basis="asked", sealed="erased"), []
        ),
        "Not refunded yet: Refund to retry, KWD 38.247, created on 27 Sept 2026; known to us since"
        " 26 Nov 2026, 15:02:00 UTC; in part only queried: an answer to our own question, without"
        " signature; what was reported besides was erased.",
    ),
    (
        "en",
        transaction_summary(a_state(doubtful=True), []),
        "Doubtful, counts nowhere: Authorised, KWD 39.738, created on 22 Sept 2026; known to us"
        " since 26 Nov 2026, 15:02:00 UTC; signed, but perhaps no call of the platform.",
    ),
    (
        "en",
        transaction_summary(a_state("ACCEPTED", operation_type="VERIFICATION"), []),
        "Verification: Accepted, KWD 39.738, created on 22 Sept 2026; " + KNOWN,
    ),
)


@pytest.fixture(scope="module")
def app() -> Flask:
    app = Flask("sentences")
    register(app)
    return app


@pytest.mark.parametrize(("language", "summary", "words"), SENTENCES)
def test_a_summary_is_a_sentence(app: Flask, language: str, summary: State, words: str) -> None:
    with app.test_request_context(), speaking(language):
        assert sentence(summary).replace("\u00a0", " ") == words


def answer_on(visit: Visiting, address: str) -> str:
    match = re.search(r'<p class="answer">(.*?) <button', visit.get(address).text)
    return html.unescape(match[1]) if match else ""


def test_pages_and_api_say_the_same_now_and_then(visit: Visiting) -> None:
    api = Asking(visit.ledger)
    receive(visit.ledger, a_refund(1000))
    follow(visit.ledger)
    at_first = api.get(f"{API}/transactions/{UUID}")["first_seen_at"]

    for name in (f"transactions/{UUID}", "orders/CMD-2026-0001", f"transactions/{'b' * 32}"):
        for query in ("", f"?as_of={at_first}", "?as_of=2026-11-23"):
            state = api.call(f"{API}/{name}{query}").get_json()
            if "summary" in state:
                assert answer_on(visit, f"{AT}/{name}{query}") == state["summary"]["text"]
    now = api.get(f"{API}/orders/CMD-2026-0001")
    assert "refunded €10.00" in now["summary"]["text"]
    assert now["summary"]["parts"][0]["net_minor"] == now["balances"][0]["balance_minor"]
    then = answer_on(visit, f"{AT}/transactions/{UUID}?as_of={at_first}")
    assert then.startswith("As known on 23 Nov 2026, 12:00:00 UTC: paid (authorised) €29.90")


def test_the_tag_of_a_payment_changes_with_its_refunds(visit: Visiting) -> None:
    api, payment = Asking(visit.ledger), f"{API}/transactions/{UUID}"
    before = api.call(payment)

    receive(visit.ledger, a_refund(1000))
    follow(visit.ledger)
    after = api.call(payment)

    assert before.get_json()["summary"]["parts"][0]["refunded_minor"] == 0
    assert after.get_json()["version"] == before.get_json()["version"]
    assert after.headers["ETag"] != before.headers["ETag"]
    newest = api.call(f"{payment}?version=2").get_json()["summary"]["parts"][0]
    assert (newest["capture"], newest["refunded_minor"]) == ("notified", 0)
