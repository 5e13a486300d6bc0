"""The benchmark of the log, sealing and erasing: a tiny run has every line."""

from pathlib import Path

from bench import proof
from bench.ground import ROOT, Extent

LINES = {
    "receiving with the log": [
        "1 client, before",
        "1 client, now",
        "  its p99",
        "16 clients, before",
        "16 clients, now",
        "  its p99",
        "from the end of a load until all is in the log",
    ],
    "log": [
        "entries, signed",
        "sealed bodies, a delivery",
        "table bodies, with what events seal, a delivery",
        "all tables and indexes, now, a delivery",
        "all tables and indexes, before, a delivery",
        "  all",
        "rebuild of 8 read models",
        "reading a history",
        "verify --only log",
        "bundle of a transaction",
        "erasing 30 origins, verified",
    ],
    "large log": [
        "a lookup by primary key",
        "inclusion proof of an entry",
        "entry with its proof, by its id",
    ],
}
WITHOUT_RATIO = {"1 client, before", "16 clients, before", "a lookup by primary key"}


def test_a_tiny_run_beside_the_same_code_has_every_line(tmp_path: Path) -> None:
    extent = Extent(events=0, rounds=1, seconds=1, workers=1, calls=60, entries=600, before=ROOT)

    sheets = proof.on_sqlite(tmp_path, extent)

    assert {sheet.title: [figure.arm for figure in sheet.figures] for sheet in sheets} == LINES
    for figure in (figure for sheet in sheets for figure in sheet.figures):
        measured = (figure.ratio, figure.rate, figure.value)
        assert any(number is not None and number > 0 for number in measured), figure
        assert (figure.ratio is None) == (figure.arm in WITHOUT_RATIO), figure
    assert [remark for sheet in sheets for remark in sheet.remarks] == []
