"""The check of a bad day: a ledger that stood it passes, and each harm to a ledger is reported."""

import json
import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from ledger.cli import cli
from ledger.ipn.shops_and_keys import Key
from ledger.simulator.chaos_attempts import AnsweredAttempt, Attempt
from ledger.simulator.sender import Answer
from ledger.storage.database import Database
from tests.audit.tampering import damage
from tests.cli.running import shops_file
from tests.conftest import opened
from tests.serving import Service, serving
from tests.simulator.chaos_in_process import (
    Send,
    a_chaos,
    an_api,
    discrepancies,
    rotated_shops,
    send_all,
    send_to,
    with_missing_keys,
)
from tests.web.asking import Asking

SEED = 5


def test_a_ledger_stands_a_bad_day(database: Database) -> None:
    api = an_api(database)

    sent = send_all(a_chaos(api.ledger.shops, seed=11), send_to(api.ledger))

    assert discrepancies(api, sent) == []
    assert sum(answered.answer.is_acknowledged for answered in sent) > 100


def test_of_calls_that_precede_each_other_in_a_circle_any_may_be_the_last(sqlite_url: str) -> None:
    """This seed has a form of a payment that waits, then two calls: authorised, and unheard of."""
    with opened(sqlite_url) as database:
        api = an_api(database)

        sent = send_all(a_chaos(api.ledger.shops, seed=1024), send_to(api.ledger), connections=1)

        assert discrepancies(api, sent) == []


# -- the check can fail ---------------------------------------------------------------------------

Harm = Callable[[Asking, Send], Send]


def answers_wrongly(status: int, line: str) -> Harm:
    """Answers a call that it throws away."""

    def harm(_: Asking, send: Send) -> Send:
        def answer(attempt: Attempt) -> Answer:
            return Answer(status, line, 0.0) if attempt.number == 20 else send(attempt)

        return answer

    return harm


def with_keys(api: Asking, *keys: Key) -> None:
    shop = next(iter(api.ledger.shops.shop_by_id.values()))
    api.ledger.shops = replace(api.ledger.shops, shop_by_id={shop.id: replace(shop, keys=keys)})


def believes_strangers(api: Asking, send: Send) -> Send:
    """Knows a key that only a stranger has."""
    chaos = a_chaos(api.ledger.shops, seed=SEED)
    known = next(iter(api.ledger.shops.shop_by_id.values())).keys
    strange = (chaos.missing_key(name, is_forged=True) for name in ("form", "rest"))
    with_keys(api, *known, *strange)
    return send


def lacks_the_new_keys(api: Asking, send: Send) -> Send:
    known = next(iter(api.ledger.shops.shop_by_id.values())).keys
    with_keys(api, *(key for key in known if key.not_after))
    return send


@pytest.mark.parametrize(
    ("harm", "word"),
    [
        (answers_wrongly(200, "OK recorded 01LOST"), "not-kept"),
        (believes_strangers, "accepted"),
        (lacks_the_new_keys, "refused"),
        (answers_wrongly(500, "oops"), "failed"),
    ],
    ids=["lies", "believes-strangers", "lacks-the-new-keys", "breaks"],
)
def test_a_service_that_fails_its_senders_is_reported(
    sqlite_url: str, harm: Harm, word: str
) -> None:
    with opened(sqlite_url) as database:
        api = an_api(database)
        chaos = a_chaos(rotated_shops(), seed=SEED)

        sent = send_all(chaos, harm(api, send_to(api.ledger)))

        assert word in {discrepancy.word for discrepancy in discrepancies(api, sent)}


@dataclass(frozen=True)
class WholeLedger:
    """A ledger on SQLite that holds all of a bad day."""

    path: Path
    attempts: list[AnsweredAttempt]


@pytest.fixture(scope="module")
def whole(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> WholeLedger:
    path = tmp_path_factory.mktemp("whole") / "ledger.sqlite"
    shutil.copyfile(sqlite_template, path)
    with opened(f"sqlite:///{path}") as database:
        api = an_api(database)
        sent = send_all(a_chaos(rotated_shops(), seed=SEED), send_to(api.ledger))
        assert discrepancies(api, sent) == []
    return WholeLedger(path, sent)


LAST = "originator_version = (SELECT max(originator_version) FROM events AS other"
LAST += " WHERE other.originator_id = events.originator_id)"
AGAIN = (
    "INSERT INTO events (originator_id, originator_version, topic, origin_id, state, details)"
    " SELECT originator_id, originator_version + 1, topic, origin_id, state, details"
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
def test_a_damaged_ledger_is_reported(
    whole: WholeLedger, tmp_path: Path, statement: str, words: set[str]
) -> None:
    path = tmp_path / "damaged.sqlite"
    shutil.copyfile(whole.path, path)
    with opened(f"sqlite:///{path}") as database:
        api = an_api(database)

        damage(database, statement)

        assert words <= {discrepancy.word for discrepancy in discrepancies(api, whole.attempts)}


def test_what_a_missing_key_kept_out_must_be_there_once_it_was_readmitted(sqlite_url: str) -> None:
    with opened(sqlite_url) as database:
        api = an_api(database)
        chaos = a_chaos(rotated_shops(), seed=SEED)
        sent = send_all(chaos, send_to(api.ledger))
        api.ledger.shops = with_missing_keys(api.ledger.shops, chaos)

        readmitted = api.call(
            "/api/v1/notifications/readmit",
            "operator",
            method="POST",
            json={"reason": "signature-mismatch", "dry_run": False},
        ).get_json()

        assert {row["outcome"] for row in readmitted["items"]} > {"quarantined"}
        assert discrepancies(api, sent) == []


# -- the command ----------------------------------------------------------------------------------


def run_chaos(service: Service, *options: str, token: str | None = None) -> Result:
    environ = {"LEDGER_SHOPS_FILE": str(service.shops_file), "LEDGER_TOKEN": token}
    arguments = [
        "simulate",
        "--chaos",
        "--url",
        service.url,
        "--seed",
        "7",
        "--connections",
        "6",
        *options,
    ]
    return CliRunner().invoke(cli, arguments, env=environ)


def test_the_command_sends_a_bad_day_to_a_real_service_and_checks_it(
    postgres_url: str, tmp_path: Path
) -> None:
    shops = shops_file(tmp_path, rotated_shops().shop_by_id.values())
    with serving(tmp_path, postgres_url, shops) as service:
        token_file = tmp_path / "token"
        token_file.write_text(service.token())

        done = run_chaos(service, "--check", "--token-file", str(token_file))
        again = run_chaos(service, "--check", "--json", token=service.token())
        without = run_chaos(service, "--check")
        wrong = run_chaos(service, "--check", token="ipnl_none")

    deliveries = [line for line in done.stdout.splitlines() if line[:1].isdecimal()]
    assert done.stdout.splitlines() == deliveries, "nothing but deliveries: no discrepancy"
    assert (done.exit_code, again.exit_code) == (0, 0), (done.stderr, again.stderr)
    assert "0 discrepancies" in done.stderr
    assert "\t200\tOK recorded " in done.stdout
    document = json.loads(again.stdout)
    assert document["discrepancies"] == []
    answers = Counter(delivery["answer"][:11] for delivery in document["deliveries"])
    assert answers["OK repeated"] > 100, "the same seed makes the same calls"
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

        printed = run_chaos(service, "--check", "--count", "12", token=service.token())
        document = run_chaos(service, "--check", "--count", "12", "--json", token=service.token())

    assert (printed.exit_code, document.exit_code) == (1, 1)
    line = next(line for line in printed.stdout.splitlines() if line.startswith("refused\t"))
    assert "well signed, and answered 400 'KO signature-mismatch'" in line
    first = json.loads(document.stdout)["discrepancies"][0]
    assert [*first] == ["word", "subject", "told"]


@pytest.mark.parametrize("options", [["--check"], ["--chaos", "--format", "form"]])
def test_options_that_make_no_sense_are_refused(options: list[str]) -> None:
    assert CliRunner().invoke(cli, ["simulate", *options]).exit_code == 2
