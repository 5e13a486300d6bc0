"""The feed: in order, without gaps, waited for, and streamed."""

from itertools import count

import orjson
import pytest

from tests.builders import OTHER_SHOP_ID, a_form_call, receive
from tests.web.asking import Asking
from web.api import feed
from web.streams import PLACES, Places

EVENTS = "/api/v1/events"


def tell(api: Asking, times: int, **fields: str) -> None:
    for number in range(times):
        receive(api.ledger, a_form_call(trans_uuid=f"{number:032x}", **fields))


def test_page_by_page_nothing_is_left_out_or_told_twice(api: Asking) -> None:
    tell(api, 7)
    positions, after = [], 0

    while page := api.get(f"{EVENTS}?limit=3&after={after}"):
        if not page["items"]:
            break
        positions += [event["position"] for event in page["items"]]
        after = page["next_after"]

    assert positions == [1, 2, 3, 4, 5, 6, 7]
    end = {"next_after": 7, "next_cursor": "7", "newest_position": 7}
    assert api.get(f"{EVENTS}?after=7") == {"items": [], **end}


def test_the_link_of_a_page_leads_to_the_next_one(api: Asking) -> None:
    tell(api, 3)

    first = api.call(f"{EVENTS}?limit=2")
    second = api.get(first.headers["Link"].split(">")[0][1:])

    assert first.headers["Link"].endswith('rel="next"')
    assert [event["position"] for event in second["items"]] == [3]
    assert [event["position"] for event in api.get(f"{EVENTS}?cursor=2")["items"]] == [3]


def test_details_come_only_when_asked_for(api: Asking) -> None:
    tell(api, 1)

    (short,) = api.get(EVENTS, "operator")["items"]
    (long,) = api.get(f"{EVENTS}?details=true", "operator")["items"]

    assert set(short["data"]) == {
        *("source", "told_at", "odd", "suspected"),
        *("doubtful", "unconfirmed", "derived", "facts"),
    }
    assert long["data"]["personal"]["vads_cust_email"]


def test_filters_pass_over_others_and_move_on(api: Asking, monkeypatch: pytest.MonkeyPatch) -> None:
    tell(api, 3)
    tell(api, 2, site_id=OTHER_SHOP_ID)
    monkeypatch.setattr(feed, "SCAN", 2)

    page = api.get(f"{EVENTS}?shop_id={OTHER_SHOP_ID}&limit=1")
    nothing = api.get(f"{EVENTS}?mode=production")

    assert [event["position"] for event in page["items"]] == [4]
    assert page["next_after"] == 4
    assert (nothing["items"], nothing["next_after"]) == ([], 5)
    assert len(api.get(f"{EVENTS}?type=transaction.payment-accepted")["items"]) == 5


def test_a_caller_waits_for_the_next_event(api: Asking) -> None:
    tell(api, 1)
    rounds = count(1)

    def tell_after_the_first_round() -> bool:
        if next(rounds) == 1:
            tell(api, 2)
        return False

    api.is_stopping = tell_after_the_first_round

    page = api.get(f"{EVENTS}?after=1&wait=20")

    assert [event["position"] for event in page["items"]] == [2]
    assert next(rounds) == 2, "it found nothing once, and then the next event"


def test_a_wait_ends_without_news(api_on_sqlite: Asking) -> None:
    assert api_on_sqlite.get(f"{EVENTS}?wait=1")["items"] == []


def test_a_wait_ends_when_the_service_stops(api_on_sqlite: Asking) -> None:
    rounds = count(1)
    api_on_sqlite.is_stopping = lambda: next(rounds) > 0

    api_on_sqlite.get(f"{EVENTS}?wait=30")

    assert next(rounds) == 2, "it asked once whether to stop"


def test_who_finds_no_place_to_wait_is_answered_at_once(api_on_sqlite: Asking) -> None:
    tell(api_on_sqlite, 3)
    rounds = count(1)
    api_on_sqlite.is_stopping = lambda: next(rounds) < 0
    api_on_sqlite.app.extensions[PLACES] = Places(in_all=0)

    api_on_sqlite.get(f"{EVENTS}?after=3&wait=30")

    assert next(rounds) == 1, "nobody waited long enough to ask whether to stop"


# -- streamed -------------------------------------------------------------------------------------


def stream(api: Asking, path: str = EVENTS, **headers: str) -> str:
    response = api.call(path, headers={"Accept": "text/event-stream", **headers})
    assert response.status_code == 200
    assert response.content_type.startswith("text/event-stream")
    return response.text


def messages(text: str) -> list[dict[str, object]]:
    lines = [line for line in text.splitlines() if line.startswith("data: ")]
    return [orjson.loads(line.removeprefix("data: ")) for line in lines]


@pytest.fixture
def brief(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed, "STREAM_SECONDS_MAX", 0.6)
    monkeypatch.setattr(feed, "KEEP_ALIVE_SECONDS", 0.2)


@pytest.mark.usefixtures("brief")
def test_a_stream_tells_everything_then_keeps_alive_then_ends(api: Asking) -> None:
    tell(api, 3)

    text = stream(api, f"{EVENTS}?limit=2")

    assert [event["position"] for event in messages(text)] == [1, 2, 3]
    assert "id: 3\nevent: transaction.payment-accepted\ndata: {" in text
    assert text.startswith("retry: ")
    assert ": still here\n\n" in text


@pytest.mark.usefixtures("brief")
def test_a_stream_goes_on_after_the_last_event_id(api: Asking) -> None:
    tell(api, 3)

    text = stream(api, f"{EVENTS}?after=0", **{"Last-Event-ID": "2"})

    assert [event["position"] for event in messages(text)] == [3]


@pytest.mark.usefixtures("brief")
def test_a_stream_moves_on_over_what_was_not_asked_for(api_on_sqlite: Asking) -> None:
    tell(api_on_sqlite, 3)

    text = stream(api_on_sqlite, f"{EVENTS}?mode=production")

    assert messages(text) == []
    assert "id: 3\n\n" in text


def test_a_last_event_id_that_is_none_is_refused(api_on_sqlite: Asking) -> None:
    headers = {"Accept": "text/event-stream", "Last-Event-ID": "x"}

    assert api_on_sqlite.call(EVENTS, headers=headers).status_code == 422


@pytest.mark.usefixtures("brief")
def test_a_wait_gives_its_place_back(api_on_sqlite: Asking) -> None:
    places = api_on_sqlite.app.extensions[PLACES] = Places(in_all=1)

    api_on_sqlite.get(f"{EVENTS}?wait=1")

    assert places.take("somebody else")


# -- a reader that is ahead -----------------------------------------------------------------------

AHEAD = [
    ("?after=4", {}),
    ("?cursor=4&wait=30", {}),
    ("?after=4&mode=production&details=true", {}),
    ("?after=4", {"Accept": "text/event-stream"}),
    ("", {"Accept": "text/event-stream", "Last-Event-ID": "4"}),
]


@pytest.mark.parametrize(("query", "headers"), AHEAD)
def test_a_reader_ahead_of_a_restored_ledger_is_told_so(
    api: Asking, query: str, headers: dict[str, str]
) -> None:
    tell(api, 3)

    response = api.call(EVENTS + query, headers=headers)

    problem = response.get_json()
    assert (response.status_code, problem["code"]) == (409, "position-ahead")
    assert problem["newest_position"] == 3
    assert problem["detail"].startswith("position 4 is ahead of the newest one, 3:")


@pytest.mark.usefixtures("brief")
def test_a_reader_at_the_end_is_not_ahead(api: Asking) -> None:
    tell(api, 3)

    page = api.get(f"{EVENTS}?after=3")
    text = stream(api, **{"Last-Event-ID": "3"})

    assert (page["items"], page["next_after"], page["newest_position"]) == ([], 3, 3)
    assert messages(text) == []


def test_nobody_is_ahead_of_an_empty_ledger_at_its_beginning(api: Asking) -> None:
    assert api.get(EVENTS)["newest_position"] == 0
    assert api.call(f"{EVENTS}?after=1").status_code == 409
