"""Notes that readers write about objects: beside the facts, sealed, and only ever withdrawn."""

import pytest

from tests.builders import OTHER_SHOP_ID, SHOP_ID, UUID
from tests.web.asking import AT, Asking

PATH = f"{AT}/transactions/{UUID}"
ORDER = f"{AT}/orders/CMD-2026-0001"
TEXT = "Jo Doe says that the parcel came late.\nCalled back."


def written(api: Asking, role: str = "auditor-personal", path: str = PATH) -> str:
    response = api.call(f"{path}/notes", role, method="POST", json={"text": TEXT})
    assert response.status_code == 200, response.text
    id_: str = response.get_json()["id"]
    return id_


def test_a_note_is_kept_and_nothing_else_changes(paid: Asking) -> None:
    paid.follow()
    before = paid.call(PATH, "operator"), paid.get(ORDER), paid.get(f"{PATH}/history")

    id_ = written(paid)

    (note,) = paid.get(f"{PATH}/notes", "operator")["items"]
    assert (note["id"], note["text"], note["about"]) == (id_, TEXT, "transaction")
    assert (note["author"], note["withdrawn_at"]) == ("a auditor-personal", None)
    after = paid.call(PATH, "operator"), paid.get(ORDER), paid.get(f"{PATH}/history")
    assert after[0].headers["ETag"] == before[0].headers["ETag"]
    assert after[0].get_json() == before[0].get_json()
    assert after[1:] == before[1:]


def test_a_withdrawn_note_stays_readable(paid_sqlite: Asking) -> None:
    id_ = written(paid_sqlite)

    for _ in range(2):
        answer = paid_sqlite.call(
            f"{PATH}/notes/withdraw", "operator", method="POST", json={"note_id": id_}
        )
        assert answer.status_code == 200, answer.text

    (note,) = paid_sqlite.get(f"{PATH}/notes", "auditor-personal")["items"]
    assert (note["text"], note["withdrawn_by"]) == (TEXT, "a operator")


def test_the_text_is_for_readers_with_personal_data_and_its_author(paid_sqlite: Asking) -> None:
    written(paid_sqlite, "auditor")
    written(paid_sqlite, "operator")

    shown = paid_sqlite.get(f"{PATH}/notes", "auditor")["items"]

    texts = [(note["sealed"], note["text"]) for note in shown]
    assert texts == [("opened", TEXT), ("closed", None)]


def test_nobody_else_withdraws_a_note(paid_sqlite: Asking) -> None:
    id_ = written(paid_sqlite, "operator")

    answer = paid_sqlite.call(
        f"{PATH}/notes/withdraw", "auditor-personal", method="POST", json={"note_id": id_}
    )

    assert answer.status_code == 404


@pytest.mark.parametrize("text", ["", " \n ", "x" * 2_001])
def test_a_note_says_something_short(paid_sqlite: Asking, text: str) -> None:
    answer = paid_sqlite.call(f"{PATH}/notes", method="POST", json={"text": text})
    assert answer.status_code == 422


@pytest.mark.parametrize(
    ("path", "status"),
    [
        (f"{AT}/transactions/{'9' * 32}", 404),
        (f"{AT}/orders/nothing", 404),
        (PATH.replace("/test/", "/production/"), 404),
        (PATH.replace(SHOP_ID, OTHER_SHOP_ID), 404),
    ],
)
def test_a_note_is_about_something_that_is_known(
    paid_sqlite: Asking, path: str, status: int
) -> None:
    answer = paid_sqlite.call(f"{path}/notes", method="POST", json={"text": TEXT})
    assert answer.status_code == status


def test_card_data_in_a_note_is_masked(paid_sqlite: Asking) -> None:
    pan = "4970100000000014"
    body = {"text": f"He read out {pan}."}
    answer = paid_sqlite.call(f"{PATH}/notes", "operator", method="POST", json=body)
    assert pan not in answer.get_json()["text"]


def test_an_order_has_notes_of_its_own(paid: Asking) -> None:
    paid.follow()
    written(paid, path=ORDER)

    assert [note["about"] for note in paid.get(f"{ORDER}/notes")["items"]] == ["order"]
    assert paid.get(f"{PATH}/notes")["items"] == []
