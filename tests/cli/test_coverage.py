"""`ledger check` reports the notifications a shop sends, and the read models it knows them from."""

import json
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import update

from ledger.application import Ledger
from ledger.cli import cli
from ledger.cli.check import view_findings
from ledger.cli.coverage_findings import FIRST_WEEK, coverage_findings
from ledger.instants import utc_now
from ledger.ipn.notification_rules import RULES
from ledger.projections.engine.folding import Poison
from ledger.projections.engine.generations import live_generation, note_poison
from ledger.projections.engine.registry import PROJECTIONS
from ledger.projections.engine.status import lags
from ledger.queries.totals import coverage_by_shop
from ledger.storage.database import Database
from ledger.storage.tables import generations
from tests.audit.tampering import a_filled_ledger, follow
from tests.builders import (
    NOON,
    OTHER_SHOP_ID,
    PLAIN_SETTINGS,
    SHOP_ID,
    a_form,
    a_ledger,
    a_shop,
    form_body,
    receive,
    shops,
)

LATER = NOON + 2 * FIRST_WEEK


@pytest.fixture
def ledger(database: Database) -> Ledger:
    return a_ledger(database, shops(a_shop(), a_shop(OTHER_SHOP_ID)))


def coverage_lines(ledger: Ledger, now: datetime = LATER) -> list[str]:
    findings = coverage_findings(ledger.database, ledger.shops, now=now)
    return [f"{finding.state} {finding.message}" for finding in findings]


def test_a_shop_that_sends_everything_is_well(database: Database) -> None:
    ledger = a_filled_ledger(database)

    with database.connect() as connection:
        coverages = coverage_by_shop(connection, ledger.shops) or []

    (used,) = [coverage for coverage in coverages if coverage.count]
    assert (used.shop_id, used.mode, used.never_seen) == (SHOP_ID, "TEST", ())
    assert [kind.rule for kind in used.kinds_seen] == list(RULES.values())
    assert all((kind.first_seen_at or "") <= (kind.last_seen_at or "") for kind in used.kinds_seen)
    assert coverage_lines(ledger) == [f"ok {SHOP_ID} TEST  all 8 kinds seen"]


def test_what_was_never_seen_is_reported_with_the_rule_to_switch_on(ledger: Ledger) -> None:
    receive(ledger, form_body(a_form()))
    follow(ledger)

    partial, silent = coverage_findings(ledger.database, ledger.shops, now=LATER)

    assert partial.state == "warning"
    assert partial.message.startswith(
        f"{SHOP_ID} TEST  1 of 8 kinds seen; never seen: cancellation, "
    )
    assert "end-of-payment" not in partial.message
    assert 'cancellation: switch on "IPN URL on cancellation"' in partial.sentences
    assert 'alias: on by default with "IPN URL at the end of the payment"' in partial.sentences
    assert silent.message == f"{OTHER_SHOP_ID} no notification yet"


@pytest.mark.parametrize(("mode", "state"), [("TEST", "ok"), ("PRODUCTION", "warning")])
def test_a_shop_that_has_just_begun_to_try_is_not_warned_of(
    ledger: Ledger, mode: str, state: str
) -> None:
    receive(ledger, form_body(a_form(vads_ctx_mode=mode)))
    follow(ledger)

    first, *_ = coverage_lines(ledger, NOON + FIRST_WEEK)

    assert first.startswith(f"{state} {SHOP_ID} {mode}  1 of 8 kinds seen")
    assert ("in its first week; no news yet of cancellation" in first) is (mode == "TEST")


def test_the_other_mode_is_a_line_of_its_own(ledger: Ledger) -> None:
    receive(ledger, form_body(a_form()))
    receive(ledger, form_body(a_form(vads_ctx_mode="PRODUCTION")))
    follow(ledger)

    assert [line.split()[2] for line in coverage_lines(ledger)[:2]] == ["TEST", "PRODUCTION"]


def test_without_its_read_model_nothing_is_said_of_coverage(
    bare_database: Database,
) -> None:
    assert coverage_lines(a_ledger(bare_database)) == []


def test_a_machine_reads_all_eight_kinds(sqlite_url: str, tmp_path: Path) -> None:
    database = Database(sqlite_url)
    ledger = a_ledger(database)
    receive(ledger, form_body(a_form()))
    follow(ledger)
    database.dispose()
    path = tmp_path / "shops.toml"
    path.write_text(f'[[shops]]\nid = "{SHOP_ID}"\n')

    environ = {"LEDGER_DATABASE_URL": sqlite_url, "LEDGER_SHOPS_FILE": str(path)}
    result = CliRunner().invoke(cli, ("check", "--json"), env=environ)

    checks = json.loads(result.stdout)["checks"]
    (data,) = [check["data"] for check in checks if check["subject"] == "coverage"]
    assert (data["shop_id"], data["mode"]) == (SHOP_ID, "test")
    assert [kind["rule"] for kind in data["kinds"]] == list(RULES)
    assert [kind["count"] for kind in data["kinds"]].count(0) == 7


# -- the read models -------------------------------------------------------------------------


def model_lines(database: Database) -> list[str]:
    return [f"{finding.state} {finding.message}" for finding in view_findings(database)]


def test_read_models_at_the_live_edge_are_well(ledger: Ledger) -> None:
    receive(ledger, form_body(a_form()))
    follow(ledger)

    assert model_lines(ledger.database) == [f"ok {len(PROJECTIONS)} read models at the live edge"]


def test_read_models_that_are_not_made_yet_are_no_warning(bare_database: Database) -> None:
    assert model_lines(bare_database) == ["ok none yet: `ledger serve` makes them"]


def an_hour_ago(database: Database) -> Ledger:
    """Return a ledger whose clock is behind the one that measures the lag."""
    keyring = shops()
    hour = timedelta(hours=1)
    return Ledger(PLAIN_SETTINGS, keyring, database, clock=lambda: utc_now() - hour)


def test_read_models_that_nobody_follows_are_reported(database: Database) -> None:
    receive(an_hour_ago(database), form_body(a_form()))

    lines = model_lines(database)

    assert len(lines) == len(PROJECTIONS)
    assert lines[0].startswith("warning transactions: 1 position behind, ")


def test_a_read_model_of_other_code_is_stale(ledger: Ledger) -> None:
    change = update(generations).where(generations.c.name == "orders").values(fingerprint="other")
    with ledger.database.begin() as connection:
        connection.execute(change)

    assert model_lines(ledger.database)[0] == (
        "warning orders is not built for this code: run `ledger rebuild orders`"
    )


def test_skipped_events_are_reported(ledger: Ledger) -> None:
    with ledger.database.begin() as connection:
        generation = live_generation(connection, PROJECTIONS["aliases"])
        assert generation is not None
        note_poison(connection, generation.id, [Poison(1, "alias.registered", "KeyError")])

    assert model_lines(ledger.database) == [
        "warning aliases: 1 event passed over: see `ledger projections status`"
    ]


def test_a_lag_is_in_positions_and_seconds(database: Database) -> None:
    a_filled_ledger(database, "payment-accepted")
    ledger = an_hour_ago(database)
    before = ledger.events.newest_position() or 0
    receive(ledger, form_body(a_form()))
    newest = ledger.events.newest_position() or 0

    with database.connect() as connection:
        lag_by_name = {lag.name: lag for lag in lags(connection)}

    assert list(lag_by_name) == list(PROJECTIONS)
    assert lag_by_name["totals"].positions == newest - before
    assert 3_600 <= lag_by_name["totals"].seconds < 3_700
