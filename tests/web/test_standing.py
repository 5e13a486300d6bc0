"""What `/metrics` says of readiness, of writers that hold on, and of the last audit."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from ledger.audit.check_names import CHECKS, STREAMS
from ledger.projections.engine.generations import live_generations
from ledger.projections.engine.registry import PROJECTIONS
from ledger.storage.high_water_mark import HighWaterMark
from tests.builders import a_form_call, a_ledger, receive
from tests.cli.running import run, shops_file
from tests.conftest import opened
from tests.web.asking import Asking


@pytest.fixture
def api(database_url: str) -> Iterator[Asking]:
    with opened(database_url) as database:
        yield Asking(a_ledger(database))


def values(api: Asking, metric: str) -> dict[str, float]:
    """Read one metric of a service that has not kept any. Shape: value by its labels."""
    lines = Asking(api.ledger, now=api.now).call("/metrics", None).text.splitlines()
    samples = (
        line.rpartition(" ") for line in lines if line.startswith((f"{metric} ", f"{metric}{{"))
    )
    return {series.removeprefix(metric): float(value) for series, _, value in samples}


def test_each_check_of_readiness_is_one_while_it_is_well(api: Asking) -> None:
    checks = [f'{{check="{name}"}}' for name in ("database", "migrations", "views", "writing")]

    assert values(api, "ledger_ready") == dict.fromkeys(checks, 1.0)

    with api.ledger.database.begin() as connection:
        connection.execute(text("ALTER TABLE quarantine RENAME TO elsewhere"))
    ready = values(api, "ledger_ready")
    assert (ready['{check="database"}'], ready['{check="writing"}']) == (1.0, 0.0)


def test_a_read_model_that_is_not_built_is_named(api: Asking) -> None:
    name = next(iter(PROJECTIONS))
    with api.ledger.database.begin() as connection:
        live = live_generations(connection)[name]
        retired = text("UPDATE generations SET state = 'retired' WHERE id = :id")
        connection.execute(retired, {"id": live.id})

    built = values(api, "ledger_projection_built")

    assert built.pop(f'{{projection="{name}"}}') == 0.0
    assert set(built.values()) == {1.0}
    assert len(built) == len(PROJECTIONS) - 1


def test_what_waits_above_the_high_water_mark_is_as_old_as_its_oldest_event(api: Asking) -> None:
    """On SQLite nothing can wait: it has one writer at a time."""
    database = api.ledger.database
    receive(a_ledger(database), a_form_call())
    (held,) = values(api, "ledger_high_water_mark_held_seconds").values()
    mark = HighWaterMark(database)

    mark.store(mark.read() or 0)

    assert (held > 0.0) is not database.is_sqlite
    assert values(api, "ledger_high_water_mark_held_seconds") == {"": 0.0}


def test_an_audit_is_noted_by_check(api: Asking, database_url: str, tmp_path: Path) -> None:
    assert values(api, "ledger_verified_timestamp_seconds") == {}
    receive(api.ledger, a_form_call())
    api.follow()

    run(database_url, shops_file(tmp_path), "verify")

    checks = [f'{{check="{name}"}}' for name in CHECKS]
    assert values(api, "ledger_verify_faults") == dict.fromkeys(checks, 0.0)
    assert list(values(api, "ledger_verified_timestamp_seconds")) == sorted(checks)


def test_an_audit_of_a_part_is_no_audit_unless_it_finds_a_fault(
    api: Asking, database_url: str, tmp_path: Path
) -> None:
    receive(api.ledger, a_form_call())
    api.follow()
    part = ("verify", "--only", STREAMS, "--first", "1")
    run(database_url, shops_file(tmp_path), *part[:-1], "2")
    assert values(api, "ledger_verify_faults") == {}

    run(database_url, shops_file(tmp_path), *part)

    assert values(api, "ledger_verify_faults") == {f'{{check="{STREAMS}"}}': 0.0}
