"""The plain-language history, as an auditor reads it and as a machine does."""

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from ledger.application import Ledger
from tests.builders import (
    OTHER_SHOP_ID,
    SHOP_ID,
    UUID,
    a_form_call,
    a_ledger,
    a_rest_call,
    a_shop,
    an_answer,
    example,
    example_body,
    form_body,
    minutes,
    receive,
    rest_body,
    shops,
)
from tests.cli.running import run, shops_file
from tests.conftest import opened

History = Callable[..., Result]


@pytest.fixture
def ledger(sqlite_url: str) -> Iterator[Ledger]:
    """Its clock starts at nine and moves ten minutes with each call."""
    with opened(sqlite_url) as database:
        both = shops(a_shop(), a_shop(OTHER_SHOP_ID))
        yield a_ledger(database, both, since=minutes(0), tick=timedelta(minutes=10))


@pytest.fixture
def history(sqlite_url: str, tmp_path: Path) -> History:
    path = shops_file(tmp_path)
    return lambda *words: run(sqlite_url, path, "history", *words)


def test_a_transaction_is_told_line_by_line(ledger: Ledger, history: History) -> None:
    receive(ledger, a_rest_call("AUTHORISED", minutes(-1), creationDate="2026-03-10T08:58:00Z"))
    receive(ledger, a_rest_call("CAPTURED", minutes(5)))

    result = history("transaction", UUID)

    assert (result.exit_code, result.stderr) == (0, "")
    lines = result.stdout.splitlines()
    assert lines[:2] == [
        f"transaction {UUID} · shop {SHOP_ID} · TEST",
        "CAPTURED · 29.90 EUR · order CMD-2026-0001",
    ]
    assert "2026-03-10 08:58:00 UTC  Payment accepted" in lines
    assert "2026-03-10 09:05:00 UTC  Captured" in lines
    known = [line for line in lines if line.startswith("    known ")]
    assert known[0].startswith(
        "    known 2026-03-10 09:00:00 UTC (2 minutes later) · end of a payment (hinted)"
        " · notification "
    )
    assert known[1].endswith(" · #2")
    assert f"    {'status':<24} AUTHORISED → CAPTURED" in lines
    assert f"    {'amount':<24} 29.90 EUR" in lines


def test_old_and_contradicting_news_is_told_and_said_to_be_set_aside(
    ledger: Ledger, history: History
) -> None:
    for status in ("AUTHORISED", "CANCELLED", "WAITING_AUTHORISATION", "REFUSED"):
        receive(ledger, a_form_call(status))

    lines = history("transaction", UUID).stdout.splitlines()

    assert any("old news" in line and "contradicts" not in line for line in lines)
    assert any("contradicts what was known" in line for line in lines)
    aside = [line.split() for line in lines if line.endswith("(reported, not applied)")]
    assert ["status", "REFUSED", "(reported,", "not", "applied)"] in aside
    assert lines[1].startswith("CANCELLED")


def test_odd_fields_are_named(ledger: Ledger, history: History) -> None:
    receive(ledger, a_form_call("MELTED"))

    assert "odd: vads_trans_status" in history("transaction", UUID).stdout


def test_an_alias_and_a_subscription_are_told_too(ledger: Ledger, history: History) -> None:
    created = example("form-v2", "subscription-created")["fields"]
    receive(ledger, form_body(created))
    receive(ledger, example_body("form-v2", "subscription-installment-accepted"))

    alias = history("alias", created["vads_identifier"])
    subscription = history("subscription", created["vads_subscription"])

    assert "Alias registered" in alias.stdout
    assert alias.stdout.startswith(f"alias {created['vads_identifier']} · shop {SHOP_ID} · TEST\n")
    assert "Subscription opened" in subscription.stdout
    assert "Instalment accepted" in subscription.stdout
    assert (
        f"    {'instalment 1 3eb04e25 status':<24} AUTHORISED" in subscription.stdout.splitlines()
    )


def test_several_subscriptions_with_one_id_are_all_told(ledger: Ledger, history: History) -> None:
    created = example("form-v2", "subscription-created")["fields"]
    for number in range(2):
        more = {"vads_identifier": f"{number:032x}", "vads_trans_uuid": f"{number:032x}"}
        receive(ledger, form_body(created | more))

    result = history("subscription", created["vads_subscription"], "--json")

    assert [answer["item"]["alias"] for answer in json.loads(result.stdout)] == [
        f"{number:032x}" for number in range(2)
    ]


def test_both_modes_are_told_unless_one_is_named(ledger: Ledger, history: History) -> None:
    receive(ledger, a_form_call("AUTHORISED"))
    receive(ledger, a_form_call("CAPTURED", ctx_mode="PRODUCTION"))

    assert len(json.loads(history("transaction", UUID, "--json").stdout)) == 2
    answer = json.loads(history("transaction", UUID, "--json", "--mode", "production").stdout)
    assert (answer["item"]["status"], answer["item"]["mode"]) == ("CAPTURED", "production")


# -- as of ------------------------------------------------------------------------------------


def test_it_can_be_told_as_it_was_known(ledger: Ledger, history: History) -> None:
    receive(ledger, a_rest_call("AUTHORISED", minutes(-60)))
    receive(ledger, a_rest_call("CAPTURED", minutes(-50)))

    for as_of, status in (
        ("2026-03-10T09:00:00Z", "AUTHORISED"),
        ("2026-03-10T09:09:59.999Z", "AUTHORISED"),
        ("2026-03-10T09:10:00", "CAPTURED"),
        ("2026-03-10T10:10:00+01:00", "CAPTURED"),
        ("2026-03-10", "CAPTURED"),
        ("9999-12-31T23:59:59Z", "CAPTURED"),
    ):
        answer = json.loads(history("transaction", UUID, "--json", "--as-of", as_of).stdout)
        assert answer["item"]["status"] == status, as_of


def test_before_the_first_call_nothing_was_known(ledger: Ledger, history: History) -> None:
    receive(ledger, a_form_call())

    result = history("transaction", UUID, "--as-of", "2026-03-09")

    assert (result.exit_code, result.stdout) == (1, "")
    assert "(not-found)" in result.stderr


def test_an_instant_that_is_none_is_a_wrong_use(history: History) -> None:
    for as_of in ("yesterday", "2026-02-31", ""):
        assert history("transaction", UUID, "--as-of", as_of).exit_code == 2


# -- for machines -----------------------------------------------------------------------------


def test_the_history_for_machines_has_the_agreed_shape(ledger: Ledger, history: History) -> None:
    receipt = receive(ledger, a_rest_call("AUTHORISED", minutes(-1)))
    receive(ledger, a_rest_call("CAPTURED", minutes(5)))

    answer = json.loads(history("transaction", UUID, "--json").stdout)

    assert {"uuid", "shop_id", "mode", "order_id", "amount_minor"} <= set(answer["item"])
    assert answer["item"]["version"] == 2
    assert answer["item"]["first_seen_at"] == "2026-03-10T09:00:00Z"
    assert answer["item"]["last_changed_at"] == "2026-03-10T09:10:00Z"
    first, second = answer["events"]
    assert set(first) >= {"occurred_at", "recorded_at", "notification_id", "late", "data"}
    assert first["type"] == "transaction.payment-accepted"
    assert first["notification_id"] == receipt.id
    assert (first["position"], first["version"], first["late"]) == (1, 1, False)
    assert second["recorded_at"] == "2026-03-10T09:10:00Z"
    assert second["changes"] == [{"name": "status", "before": "AUTHORISED", "after": "CAPTURED"}]


def test_personal_data_stand_apart_from_the_facts(ledger: Ledger, history: History) -> None:
    receive(ledger, a_form_call())

    (event,) = json.loads(history("transaction", UUID, "--json").stdout)["events"]

    assert event["data"]["personal"]["vads_cust_email"] == "acheteur@example.com"
    assert "vads_cust_email" not in event["data"]["details"]


# -- refusals ---------------------------------------------------------------------------------


def test_what_is_unknown_exits_with_one(ledger: Ledger, history: History) -> None:
    receive(ledger, a_form_call())

    for kind in ("transaction", "alias", "subscription"):
        result = history(kind, "f" * 32)

        assert (result.exit_code, result.stdout) == (1, "")
        assert result.stderr.startswith(f"error: no {kind} ")


def test_another_shops_transaction_is_unknown(ledger: Ledger, history: History) -> None:
    receive(ledger, a_form_call(site_id=OTHER_SHOP_ID))

    assert history("transaction", UUID).exit_code == 1
    assert history("transaction", UUID, "--shop", OTHER_SHOP_ID).exit_code == 0


def test_among_several_shops_one_is_to_be_named(
    ledger: Ledger, sqlite_url: str, tmp_path: Path
) -> None:
    path = shops_file(tmp_path, [a_shop(), a_shop(OTHER_SHOP_ID)])

    result = run(sqlite_url, path, "history", "transaction", UUID)

    assert result.exit_code == 2
    assert "--shop" in result.stderr


# -- hostile values ---------------------------------------------------------------------------

HOSTILE = "\x1b[2J\x1b]0;owned\x07\u202egnp.exe\u200f\r\nstatus CAPTURED\u2028\x9b31m\t\x7f"


def the_fields_a_sender_can_choose() -> dict[str, Any]:
    return {
        "order_id": HOSTILE,
        "card_brand": HOSTILE,
        "effective_currency": HOSTILE,
        "contract_used": HOSTILE,
        "trans_status": HOSTILE,
        "presentation_date": HOSTILE,
        HOSTILE: "a+DEBIT+b",
    }


@pytest.mark.parametrize(
    "body",
    [
        a_form_call(**the_fields_a_sender_can_choose()),
        rest_body(
            an_answer(
                uuid=UUID, detailedStatus=HOSTILE, currency=HOSTILE, order={"orderId": HOSTILE}
            )
        ),
    ],
    ids=["form", "rest"],
)
def test_hostile_values_cannot_steer_a_terminal(
    ledger: Ledger, history: History, body: bytes
) -> None:
    assert receive(ledger, body).outcome == "recorded"

    result = history("transaction", UUID)

    assert result.exit_code == 0
    assert unprintable(result.stdout) == {"\n"}
    assert "[U+001B][2J" in result.stdout
    assert "[U+202E]gnp.exe[U+200F]" in result.stdout
    assert not any(line.startswith("status CAPTURED") for line in result.stdout.splitlines())


def unprintable(text: str) -> set[str]:
    return {letter for letter in text if not letter.isprintable()}


def test_hostile_names_of_aliases_are_escaped(ledger: Ledger, history: History) -> None:
    receive(ledger, a_form_call(identifier=HOSTILE, operation_type="VERIFICATION"))

    result = history("alias", HOSTILE)

    assert result.exit_code == 0
    assert unprintable(result.stdout) == {"\n"}


def test_a_hostile_name_that_is_unknown_is_escaped_too(ledger: Ledger, history: History) -> None:
    result = history("transaction", HOSTILE)

    assert result.exit_code == 1
    assert unprintable(result.stderr) == {"\n"}


def test_time_without_end_is_told_too(ledger: Ledger, history: History) -> None:
    """The platform's time and ours may be far apart."""
    receive(ledger, a_rest_call("AUTHORISED", minutes(0) - timedelta(days=400), "BO"))

    assert history("transaction", UUID).exit_code == 0
