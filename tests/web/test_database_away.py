"""Whoever reads while the database fails is told so, and learns nothing that was not logged."""

from itertools import product

from tests.builders import UUID, a_rest_call, receive
from tests.faults.injecting import AFTER, BEFORE, FAULTS, Step, Trap
from tests.web.asking import AT, Asking

OF_THE_DATABASE = ("connection lost", "disk full", "lock timeout", "out of memory in the server")
ON_THE_WAY = {
    "SELECT tokens": "/api/v1/projections",
    "SELECT generations": "/api/v1/projections",
    "SELECT events": "/api/v1/events",
}


def test_a_reader_hears_that_the_database_is_away(api: Asking) -> None:
    receive(api.ledger, a_rest_call())
    api.token("auditor")

    for (statement, path), fault in product(ON_THE_WAY.items(), OF_THE_DATABASE):
        with Trap(Step(statement), AFTER, FAULTS[fault]) as trap:
            answer = api.call(path)

        assert trap.is_sprung
        assert (answer.status_code, answer.get_json()["code"]) == (503, "unavailable")
        assert answer.headers["Retry-After"] == "60"
        assert api.call(path).status_code == 200


def test_a_token_opens_a_database_that_can_only_be_read(api: Asking) -> None:
    api.token("auditor")

    with Trap(Step("UPDATE tokens"), BEFORE, FAULTS["read-only file system"]) as trap:
        answer = api.call("/api/v1/projections")

    assert trap.is_sprung
    assert answer.status_code == 200


def test_what_cannot_be_logged_is_not_told(api: Asking) -> None:
    receive(api.ledger, a_rest_call())

    with Trap(Step("INSERT INTO access_log"), BEFORE, FAULTS["disk full"]) as trap:
        answer = api.call(f"{AT}/transactions/{UUID}", "operator")

    assert trap.is_sprung
    assert answer.status_code == 503
    assert answer.get_json()["code"] == "unavailable"
