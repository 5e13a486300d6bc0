"""The check of a bad day: a ledger that stood it passes, and each harm to one is told."""

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from ledger.cli.simulate import simulate
from ledger.simulator.chaos import Attempt, Sent
from ledger.simulator.sender import Answer
from ledger.storage.database import Database
from tests.audit.tampering import damage
from tests.cli.running import shops_file
from tests.conftest import opened
from tests.serving import Service, serving
from tests.simulator.chaotic import (
    Send,
    a_bad_day,
    asked,
    discrepancies,
    rotated_shops,
    straight_to,
    suffered,
    with_missing_keys,
)
from tests.web.asking import Asking

SEED = 5


def test_a_ledger_stands_a_bad_day(database: Database) -> None:
    api = asked(database)

    sent = suffered(a_bad_day(api.ledger.shops, seed=11), straight_to(api.ledger))

    assert discrepancies(api, sent) == []
    assert sum(one.answer.is_acknowledged for one in sent) > 100


# -- the check can fail ---------------------------------------------------------------------------

Harm = Callable[[Asking, Send], Send]


def lies_about_one(_: Asking, send: Send) -> Send:
    """Acknowledges a call that it throws away."""

    def lie(attempt: Attempt) -> Answer:
        is_thrown = attempt.number == 20
        return Answer(200, "OK recorded 01LOST", 0.0) if is_thrown else send(attempt)

    return lie


def believes_strangers(api: Asking, send: Send) -> Send:
    """Knows a key that only a stranger has."""
    chaos = a_bad_day(api.ledger.shops, seed=SEED)
    shop = next(iter(api.ledger.shops.shop_by_id.values()))
    strange = tuple(chaos.missing_key(one, is_forged=True) for one in ("form", "rest"))
    known = replace(shop, keys=(*shop.keys, *strange))
    api.ledger.shops = replace(api.ledger.shops, shop_by_id={shop.id: known})
    return send


def lacks_the_new_keys(api: Asking, send: Send) -> Send:
    shop = next(iter(api.ledger.shops.shop_by_id.values()))
    known = replace(shop, keys=tuple(key for key in shop.keys if key.not_after))
    api.ledger.shops = replace(api.ledger.shops, shop_by_id={shop.id: known})
    return send


def breaks(_: Asking, send: Send) -> Send:
    def broken(attempt: Attempt) -> Answer:
        return Answer(500, "oops", 0.0) if attempt.number == 20 else send(attempt)

    return broken


@pytest.mark.parametrize(
    ("harm", "word"),
    [
        (lies_about_one, "not-kept"),
        (believes_strangers, "accepted"),
        (lacks_the_new_keys, "refused"),
        (breaks, "failed"),
    ],
)
def test_a_service_that_fails_its_senders_is_found_out(
    sqlite_url: str, harm: Harm, word: str
) -> None:
    with opened(sqlite_url) as database:
        api = asked(database)
        chaos = a_bad_day(rotated_shops(), seed=SEED)

        sent = suffered(chaos, harm(api, straight_to(api.ledger)))

        assert word in {one.word for one in discrepancies(api, sent)}


LAST = "originator_version = (SELECT max(originator_version) FROM events AS other"
LAST += " WHERE other.originator_id = events.originator_id)"
AGAIN = (
    "INSERT INTO events (originator_id, originator_version, topic, notification_id, state, details)"
    " SELECT originator_id, originator_version + 1, topic, notification_id, state, details"
    f" FROM events WHERE topic = 'transaction.captured' AND {LAST}"
)


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        (f"DELETE FROM events WHERE originator_version > 1 AND {LAST}", {"left-out", "differs"}),
        ("DELETE FROM events WHERE topic LIKE 'alias.%'", {"left-out", "missing"}),
        ("DELETE FROM notifications WHERE outcome = 'recorded'", {"not-kept", "invented"}),
        ("DELETE FROM notifications WHERE outcome = 'repeated'", {"not-kept"}),
        ("UPDATE notifications SET positions = '[]'", {"left-out", "invented"}),
        (AGAIN, {"doubled", "invented"}),
    ],
    ids=["last-events", "aliases", "recorded", "repeated", "positions", "doubled"],
)
def test_a_damaged_ledger_is_found_out(sqlite_url: str, statement: str, words: set[str]) -> None:
    with opened(sqlite_url) as database:
        api = asked(database)
        sent = suffered(a_bad_day(rotated_shops(), seed=SEED), straight_to(api.ledger))
        assert discrepancies(api, sent) == []

        damage(database, statement)

        assert words <= {one.word for one in discrepancies(api, sent)}


def test_what_a_missing_key_kept_out_is_true_once_it_was_readmitted(sqlite_url: str) -> None:
    with opened(sqlite_url) as database:
        api = asked(database)
        chaos = a_bad_day(rotated_shops(), seed=SEED)
        sent = suffered(chaos, straight_to(api.ledger))
        api.ledger.shops = with_missing_keys(api.ledger.shops, chaos)

        readmitted = api.call(
            "/api/v1/notifications/readmit",
            "operator",
            method="POST",
            json={"reason": "signature-mismatch", "dry_run": False},
        ).get_json()

        assert {one["outcome"] for one in readmitted["items"]} > {"quarantined"}
        assert discrepancies(api, sent) == []


# -- the command ----------------------------------------------------------------------------------


def chaos(service: Service, *told: str, token: str | None = None) -> Result:
    environ = {"LEDGER_SHOPS_FILE": str(service.shops_file), "LEDGER_TOKEN": token}
    asked = ["--chaos", "--url", service.url, "--seed", "7", "--connections", "6", *told]
    return CliRunner().invoke(simulate, asked, env=environ)


def test_the_command_sends_a_bad_day_to_a_real_service_and_checks_it(
    database_url: str, tmp_path: Path
) -> None:
    shops = shops_file(tmp_path, rotated_shops().shop_by_id.values())
    with serving(tmp_path, database_url, shops) as service:
        token_file = tmp_path / "token"
        token_file.write_text(service.token())

        done = chaos(service, "--check", "--token-file", str(token_file))
        again = chaos(service, "--check", "--json", token=service.token())
        without = chaos(service, "--check")
        wrong = chaos(service, "--check", token="ipnl_none")

    assert (done.exit_code, again.exit_code) == (0, 0), (done.stdout, again.stdout)
    assert "0 discrepancies" in done.stderr
    assert " 200 OK recorded " in done.stdout
    told = json.loads(again.stdout)
    assert told["discrepancies"] == []
    answers = Counter(one["answer"][:11] for one in told["deliveries"])
    assert answers["OK repeated"] > 100, "the same seed tells the same"
    assert (without.exit_code, wrong.exit_code) == (2, 2)


def test_the_command_exits_1_when_something_is_not_as_it_must_be(
    sqlite_url: str, tmp_path: Path
) -> None:
    """The service has not been given the second keys, the sender has."""
    (tmp_path / "old").mkdir()
    old = shops_file(tmp_path / "old")
    new = shops_file(tmp_path, rotated_shops().shop_by_id.values())
    with serving(tmp_path, sqlite_url, old) as service:
        service.shops_file = new

        done = chaos(service, "--check", token=service.token())

    assert done.exit_code == 1
    line = next(one for one in done.stdout.splitlines() if one.startswith("refused\t"))
    assert "well signed, and answered 400 'KO signature-mismatch'" in line


@pytest.mark.parametrize("told", [["--check"], ["--chaos", "--format", "form"]])
def test_options_that_make_no_sense_are_refused(told: list[str]) -> None:
    assert CliRunner().invoke(simulate, told).exit_code == 2


def test_sent_is_shown_without_a_body(sqlite_url: str) -> None:
    sent: list[Sent] = suffered(
        a_bad_day(rotated_shops(), seed=1, lives=2), lambda _: Answer(200, "OK recorded 1", 0.0)
    )

    assert "vads_" not in repr(sent)
