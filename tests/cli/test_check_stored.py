"""What `ledger check` reads from what is stored: what waits, and how callers came here."""

from pathlib import Path

import pytest

from ledger.cli import deployment_findings
from tests.builders import a_form, a_ledger, form_body, receive
from tests.cli.test_check import environment, key, run, states
from tests.conftest import opened


def test_what_is_verified_but_not_decided_is_named_with_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    environ = environment(tmp_path, key())
    run(environ, "migrate")
    with opened(environ["LEDGER_DATABASE_URL"]) as database:
        body = form_body(a_form(vads_effective_amount="12,50"))
        assert receive(a_ledger(database), body).outcome == "undecided"

    (state,) = states(environ, "undecided")

    assert state.startswith("warning: 1 notification verified but not decided (amount-unreadable)")
    assert "ledger notifications readmit --reason amount-unreadable" in state


@pytest.mark.parametrize(
    ("peer", "sources", "is_told"),
    [
        ("172.18.0.1", "", True),
        ("127.0.0.1", "", True),
        ("fd00::7", "194.50.38.0/24", True),
        ("127.0.0.1", "127.0.0.0/8", False),
        ("194.50.38.7", "", False),
        ("", "", False),
    ],
)
def test_a_proxy_behind_which_all_callers_are_one_is_told(
    tmp_path: Path, peer: str, sources: str, is_told: bool
) -> None:
    environ = environment(tmp_path, key()) | {"LEDGER_ALLOWED_SOURCES": sources}
    run(environ, "migrate")
    with opened(environ["LEDGER_DATABASE_URL"]) as database:
        assert receive(a_ledger(database), form_body(a_form()), peer=peer).outcome == "recorded"

    lines = states(environ, "proxy")

    assert [f"recent deliveries came from {peer}," in line for line in lines] == [True] * is_told


def test_large_tables_without_statistics_are_named(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deployment_findings, "LARGE_BYTES", 1)
    with opened(postgres_url) as database:
        receive(a_ledger(database), form_body(a_form()))
        (before,) = deployment_findings.statistics_findings(database)

        for table in before.message.partition(" of ")[2].partition(":")[0].split(", "):
            with database.begin() as connection:
                connection.exec_driver_sql(f"ANALYZE {table}")

        assert "events" in before.message
        assert list(deployment_findings.statistics_findings(database)) == []
