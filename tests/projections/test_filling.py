"""Rows that wait for their keys are merged once, whoever merges them."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from ledger.projections import filling, parts
from ledger.projections import generations as g
from ledger.projections.parts import Place, fill_part, make_groups, make_keys, merge_waiting
from ledger.projections.registry import PROJECTIONS
from ledger.storage.database import Database
from tests.projections.helpers import follow, rows, told


def test_two_who_merge_the_same_rows_count_nothing_twice(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when a lease was lost, and somebody else has taken the rebuild over."""
    ledger = told(database)
    until = follow(ledger)
    with database.begin() as connection:
        generation = g.create_generation(connection, PROJECTIONS["coverage"], state=g.BUILDING)
    url = database.engine.url.render_as_string(hide_password=False)
    place = Place(url, generation.id, "coverage")
    monkeypatch.setattr(parts, "BATCH", until // 50)
    monkeypatch.setattr(filling, "TURN", 2)
    fill_part(parts.Part(place, 0, 1, until))
    make_keys(place)

    with ThreadPoolExecutor(2) as executor:
        for one in [executor.submit(merge_waiting, place) for _ in range(2)]:
            one.result()
    make_groups(place)

    assert rows(ledger, "coverage", generation) == rows(ledger, "coverage")
