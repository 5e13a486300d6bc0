"""What `ledger check` says of the calls that a shop sends, and of the views it says it from."""

import json
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import update

from ledger.application import Ledger, utc_now
from ledger.cli import cli
from ledger.cli.coverage import coverage_findings, view_findings
from ledger.projections import generations as g
from ledger.projections.folding import Poison
from ledger.projections.registry import PROJECTIONS
from ledger.projections.runner import prepare_views
from ledger.projections.status import lags
from ledger.queries.totals import rule_coverage
from ledger.rules import RULES
from ledger.settings import Settings
from ledger.storage.database import Database
from ledger.storage.tables import generations
from tests.audit.tampering import a_filled_ledger, follow
from tests.builders import (
    OTHER_SHOP_ID,
    SHOP_ID,
    a_form,
    a_ledger,
    a_shop,
    form_body,
    receive,
    shops,
)


@pytest.fixture
def ledger(database: Database) -> Ledger:
    prepare_views(database)
    return a_ledger(database, shops(a_shop(), a_shop(OTHER_SHOP_ID)))


def told(ledger: Ledger) -> list[str]:
    found = coverage_findings(ledger.database, ledger.shops)
    return [f"{one.state} {one.message}" for one in found]


def test_a_shop_that_sends_everything_is_well(database: Database) -> None:
    ledger = a_filled_ledger(database)

    with database.connect() as connection:
        found = rule_coverage(connection, ledger.shops) or []

    assert [(one.shop_id, one.mode, one.never_seen) for one in found if one.count] == [
        (SHOP_ID, "TEST", ())
    ]
    assert [kind.rule for kind in found[0].kinds] == list(RULES.values())
    assert all((kind.first_seen_at or "") <= (kind.last_seen_at or "") for kind in found[0].kinds)
    assert told(ledger) == [f"ok {SHOP_ID} TEST  all 8 kinds seen"]


def test_what_was_never_seen_is_told_with_the_rule_to_switch_on(ledger: Ledger) -> None:
    receive(ledger, form_body(a_form()))
    follow(ledger)

    one, other = told(ledger)

    assert one.startswith(f"warning {SHOP_ID} TEST  never seen: ")
    assert 'cancellation (switch on "IPN URL on cancellation")' in one
    assert 'alias (on by default with "IPN URL at the end of the payment")' in one
    assert "end-of-payment" not in one
    assert other == f"warning {OTHER_SHOP_ID} no notification yet"


def test_the_other_mode_is_a_line_of_its_own(ledger: Ledger) -> None:
    receive(ledger, form_body(a_form()))
    receive(ledger, form_body(a_form(vads_ctx_mode="PRODUCTION")))
    follow(ledger)

    assert [line.split()[2] for line in told(ledger)[:2]] == ["TEST", "PRODUCTION"]


def test_without_its_view_nothing_is_said_of_coverage(database: Database) -> None:
    assert told(a_ledger(database)) == []


def test_a_machine_reads_all_eight_kinds(sqlite_url: str, tmp_path: Path) -> None:
    database = Database(sqlite_url)
    prepare_views(database)
    told_to = a_ledger(database)
    receive(told_to, form_body(a_form()))
    follow(told_to)
    database.dispose()
    path = tmp_path / "shops.toml"
    path.write_text(f'[[shops]]\nid = "{SHOP_ID}"\n')

    environ = {"LEDGER_DATABASE_URL": sqlite_url, "LEDGER_SHOPS_FILE": str(path)}
    result = CliRunner().invoke(cli, ("check", "--json"), env=environ)

    (found,) = [one for one in json.loads(result.stdout)["checks"] if one["subject"] == "coverage"]
    assert (found["data"]["shop_id"], found["data"]["mode"]) == (SHOP_ID, "test")
    assert [one["rule"] for one in found["data"]["kinds"]] == list(RULES)
    assert [one["count"] for one in found["data"]["kinds"]].count(0) == 7


# -- the views --------------------------------------------------------------------------------


def views_told(database: Database) -> list[str]:
    return [f"{one.state} {one.message}" for one in view_findings(database)]


def test_views_at_the_live_edge_are_well(ledger: Ledger) -> None:
    receive(ledger, form_body(a_form()))
    follow(ledger)

    assert views_told(ledger.database) == [f"ok {len(PROJECTIONS)} views at the live edge"]


def test_views_that_are_not_made_yet_are_no_warning(database: Database) -> None:
    assert views_told(database) == ["ok none yet: `ledger serve` makes them"]


def an_hour_ago(database: Database) -> Ledger:
    """A ledger whose clock is behind the one that measures the lag."""
    keyring = shops()
    hour = timedelta(hours=1)
    return Ledger(Settings(), keyring, database, clock=lambda: utc_now() - hour)


def test_views_that_nobody_follows_are_told(database: Database) -> None:
    prepare_views(database)
    receive(an_hour_ago(database), form_body(a_form()))

    lines = views_told(database)

    assert len(lines) == len(PROJECTIONS)
    assert lines[0].startswith("warning transactions: 1 positions behind, ")


def test_a_view_of_other_code_is_stale(ledger: Ledger) -> None:
    other = update(generations).where(generations.c.name == "orders").values(fingerprint="other")
    with ledger.database.begin() as connection:
        connection.execute(other)

    assert views_told(ledger.database)[0] == (
        "warning orders is not built for this code: run `ledger rebuild orders`"
    )


def test_events_passed_over_are_told(ledger: Ledger) -> None:
    with ledger.database.begin() as connection:
        generation = g.live_generation(connection, PROJECTIONS["aliases"])
        assert generation is not None
        g.note_poison(connection, generation.id, [Poison(1, "alias.registered", "KeyError")])

    assert views_told(ledger.database) == [
        "warning aliases: 1 events passed over: see `ledger projections status`"
    ]


def test_a_lag_is_in_positions_and_seconds(database: Database) -> None:
    a_filled_ledger(database, "payment-accepted")
    ledger = an_hour_ago(database)
    before = ledger.events.newest_position() or 0
    receive(ledger, form_body(a_form()))
    newest = ledger.events.newest_position() or 0

    with database.connect() as connection:
        found = {one.name: one for one in lags(connection)}

    assert list(found) == list(PROJECTIONS)
    assert found["totals"].positions == newest - before
    assert 3_600 <= found["totals"].seconds < 3_700
