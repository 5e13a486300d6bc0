"""Every way to fill a column of details agrees with the streams, read in plain Python."""

from pathlib import Path

import pytest

from ledger.application import Ledger
from ledger.audit.run_checks import Audit
from ledger.projections.engine.rebuild_as_of import write_as_of
from ledger.storage.database import Database
from tests.builders import (
    NOON,
    UUID,
    a_form_call,
    an_answer,
    minutes,
    receive,
    rest_body,
)
from tests.conftest import opened
from tests.projections.cards import COUNTRY, with_cards
from tests.projections.helpers import (
    follow,
    live,
    rebuilt,
    receive_stories,
    rows,
    rows_of,
    silent,
)

FROM_ANYWHERE = {"is_from_named_range": False}
Countries = dict[str, str | None]
"""The id of a stream -> the country of the card."""


@pytest.fixture
def ledger(database: Database, monkeypatch: pytest.MonkeyPatch) -> Ledger:
    return with_cards(database, monkeypatch)


def computed(ledger: Ledger) -> Countries:
    """Return what the streams say: the newest of what counts, as with facts."""
    countries: Countries = {}
    is_doubted: dict[str, bool] = {}
    for recorded in ledger.events.events_after(0, 100_000):
        event = recorded.event
        id_, is_doubtful = event.originator_id.hex, bool(event.doubtful)
        if not event.TOPIC.startswith("transaction."):
            continue
        if is_doubted.get(id_) and not is_doubtful:
            countries[id_] = None  # nothing remains of what the doubtful ones said
        is_doubted[id_] = is_doubtful and is_doubted.get(id_, True)
        has_moved = bool(event.facts if event.moved is None else event.moved)
        counts = not (event.late or event.contradiction or (is_doubtful and not has_moved))
        details = dict(event.details or []) if counts else {}
        named = [details[name] for name in COUNTRY.names if name in details]
        countries[id_] = named[0] if named else countries.get(id_)
    return countries


def shown(ledger: Ledger) -> Countries:
    return {row["id"]: row["card_country"] for row in rows(ledger, "cards")["cards"]}


def country(ledger: Ledger) -> str | None:
    """Follow, and return the country of the one transaction; a rebuild has to say the same."""
    follow(ledger)
    assert rebuilt(ledger, "cards", is_dry=True).is_identical
    assert shown(ledger) == computed(ledger)
    (text,) = shown(ledger).values()
    return text


def a_form_of(text: str | None, status: str = "AUTHORISED", **fields: str | None) -> bytes:
    return a_form_call(status, card_country=text, **fields)


def an_answer_of(text: str, status: str, at: float) -> bytes:
    answer = an_answer(
        uuid=UUID, detailedStatus=status, whole={"serverDate": minutes(at).isoformat()}
    )
    answer["transactions"][0]["transactionDetails"]["cardDetails"]["country"] = text
    return rest_body(answer)


def flags(ledger: Ledger, name: str) -> list[bool]:
    return [getattr(recorded.event, name) for recorded in ledger.events.events_after(0, 9)]


@pytest.mark.parametrize("batch", [1, 7, 1000])
def test_after_all_stories_every_way_to_fill_the_column_agrees(
    ledger: Ledger, tmp_path: Path, batch: int
) -> None:
    receive_stories(ledger)
    follow(ledger, batch=batch)
    file = tmp_path / "then.sqlite"

    by_bulk_load = rebuilt(ledger, "cards", workers=3)
    write_as_of(ledger, "cards", as_of=NOON.replace(year=2100), into=file, progress=silent)

    assert set(computed(ledger).values()) == {"FR", None}
    assert by_bulk_load.is_identical, by_bulk_load.differences
    assert shown(ledger) == computed(ledger)
    assert list(Audit(ledger, only=("views",)).faults()) == []
    with opened(f"sqlite:///{file}") as then:
        as_of = {row["id"]: row["card_country"] for row in rows_of(then, "cards")}
    assert as_of == computed(ledger)


def test_verify_tells_a_column_that_is_not_what_the_events_say(ledger: Ledger) -> None:
    receive(ledger, a_form_of("FR"))
    follow(ledger)
    table = f"cards_g{live(ledger, 'cards').id}"
    with ledger.database.begin() as connection:
        connection.exec_driver_sql(f"UPDATE {table} SET card_country = 'XX'")

    (fault,) = Audit(ledger, only=("views",)).faults()

    assert "card_country is 'XX', the events say 'FR'" in str(fault)


def test_the_value_is_that_of_the_newest_call_in_either_format(ledger: Ledger) -> None:
    receive(ledger, a_form_of("FR"))
    assert country(ledger) == "FR"

    receive(ledger, an_answer_of("BE", "CAPTURED", at=60))

    assert country(ledger) == "BE"


def test_news_about_details_alone_counts(ledger: Ledger) -> None:
    receive(ledger, a_form_of("FR"))

    assert receive(ledger, a_form_of("BE")).outcome == "recorded"

    assert country(ledger) == "BE"


def test_late_news_fills_no_gap(ledger: Ledger) -> None:
    receive(ledger, a_form_of(None, "CAPTURED", source="BATCH"))

    receive(ledger, an_answer_of("FR", "AUTHORISED", at=0))

    assert flags(ledger, "late") == [False, True]
    assert country(ledger) is None


def test_what_contradicts_changes_nothing(ledger: Ledger) -> None:
    receive(ledger, an_answer_of("BE", "CANCELLED", at=0))

    receive(ledger, an_answer_of("FR", "REFUSED", at=60))

    assert flags(ledger, "contradiction") == [False, True]
    assert country(ledger) == "BE"


def test_what_a_doubtful_form_says_is_shown_until_one_beyond_doubt_comes(ledger: Ledger) -> None:
    receive(ledger, a_form_of("XX", never_documented="x"), **FROM_ANYWHERE)
    assert country(ledger) == "XX"

    receive(ledger, a_form_of(None))

    assert country(ledger) is None


def test_a_doubtful_form_changes_nothing_that_others_have_established(ledger: Ledger) -> None:
    receive(ledger, a_form_of("FR"))

    doubtful = receive(ledger, a_form_of("XX", never_documented="x"), **FROM_ANYWHERE)

    assert doubtful.outcome == "recorded"
    assert country(ledger) == "FR"
