"""The benchmark of what a call costs the database: a tiny run on each has every line."""

from pathlib import Path

from sqlalchemy import URL

from bench import storage
from bench.figures import Sheet
from bench.ground import ROOT, Extent

EXTENT = Extent(events=0, rounds=1, seconds=1, workers=1, calls=60, before=ROOT)
SIZES = [
    "all tables and indexes, now, a call",
    "all tables and indexes, before, a call",
    "  all",
    "sealed bodies, a call",
]
TIMES = [
    "time of the server's processors, now, a call",
    "time of the server's processors, before, a call",
    "  its time",
]


def lines(sheet: Sheet) -> list[str]:
    return [figure.arm for figure in sheet.figures if "with its indexes" not in figure.arm]


def test_bytes_on_sqlite_have_no_goal(tmp_path: Path) -> None:
    (sheet,) = storage.on_sqlite(tmp_path, EXTENT)

    assert lines(sheet) == SIZES
    assert "  events, with its indexes" in {figure.arm for figure in sheet.figures}
    assert [figure.goal for figure in sheet.figures if figure.goal] == []


def test_bytes_and_time_on_postgresql_have_their_goals(postgres_server: URL) -> None:
    url = postgres_server.render_as_string(hide_password=False)

    (sheet,) = storage.on_postgresql(url, EXTENT)

    assert lines(sheet) == SIZES + TIMES
    goals = {figure.arm: str(figure.goal) for figure in sheet.figures if figure.goal}
    assert goals == {SIZES[0]: "<= 0.9", SIZES[-1]: "<= 0.12", TIMES[-1]: "<= 0.7"}
    assert all((figure.value or figure.ratio or 0) > 0 for figure in sheet.figures)
