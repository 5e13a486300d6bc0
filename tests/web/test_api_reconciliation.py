"""Files of the platform over HTTP: put here, compared, and which days they prove."""

from typing import Any

import pytest

from ledger.storage.database import Database
from tests.builders import OTHER_SHOP_ID, SHOP_ID
from tests.reconciliation.comparing import NAME, a_journal, receive_the_day
from tests.web.asking import AT, Asking, asking
from web.api.reconciliation import FILE_BYTES_MAX

DAYS = {"last_day": "2026-03-10", "days": 1}


@pytest.fixture
def api(database: Database) -> Asking:
    api = asking(database)
    receive_the_day(api.ledger)
    return api


def put(api: Asking, content: bytes, name: str = NAME, role: str = "operator") -> Any:
    return api.call(
        f"{AT}/files",
        role,
        method="POST",
        query_string={"file_name": name},
        data=content,
        content_type="application/octet-stream",
    )


def test_a_file_is_kept_once_and_listed(api: Asking) -> None:
    first, again = put(api, a_journal()), put(api, a_journal())

    assert (first.status_code, first.get_json()["is_new"]) == (200, True)
    assert again.get_json() == first.get_json() | {"is_new": False}
    (listed,) = api.get("/api/v1/files")["items"]
    assert listed == first.get_json()["file"]
    assert (listed["kind"], listed["rows"], listed["first_day"]) == ("JT", 5, "2026-03-10")


def test_days_are_compared_and_the_report_stays(api: Asking) -> None:
    put(api, a_journal())

    made = api.call(f"{AT}/reports", "operator", method="POST", json=DAYS).get_json()
    again = api.call(f"{AT}/reports", "operator", method="POST", json=DAYS).get_json()

    assert again["id"] == made["id"]
    assert api.get(f"/api/v1/reports/{made['id']}") == made
    results = {finding["result"] for finding in made["findings"]}
    assert {"never-told", "behind", "not-listed", "matched"} <= results
    (summary,) = api.get("/api/v1/reports")["items"]
    assert summary.items() <= made.items()
    (day,) = made["days"]
    assert (day["state"], day["report_id"]) == ("gaps", made["id"])


def test_each_day_says_what_is_proven_of_it(api: Asking) -> None:
    put(api, a_journal())
    api.call(f"{AT}/reports", "operator", method="POST", json=DAYS)

    answer = api.get(f"{AT}/completeness?until=2026-03-11&days=2")

    with_file, without = answer["days"]
    assert (with_file["state"], with_file["score"] < 1) == ("gaps", True)
    assert (without["state"], without["score"]) == ("unproven", None)
    assert answer["missing"] == []


@pytest.mark.parametrize(
    ("content", "name", "reason"),
    [
        (b"", NAME, "not-a-journal"),
        (a_journal(), "TEST_JT_BOUTIQUE_87654321_260310.csv", "other-shop"),
        (a_journal(), "JT_BOUTIQUE_12345678_260310.csv", "other-mode"),
        (a_journal().replace(b"PAYMENT_DATE", b"Date"), NAME, "unknown-labels"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_reason(
    api: Asking, content: bytes, name: str, reason: str
) -> None:
    refused = put(api, content, name)

    assert (refused.status_code, refused.get_json()["reason"]) == (422, reason)
    assert api.get("/api/v1/files")["items"] == []


def test_a_file_may_be_larger_than_a_question_and_has_an_end(api: Asking) -> None:
    row = b"TRANSACTION;410001;1234567;DEBIT;2990;2990;978;20260310;091504;CMD-1;CAPTURED;\r"
    large = put(api, a_journal() + row * 2_000)

    too_large = put(api, b"x" * (FILE_BYTES_MAX + 1))

    assert (large.status_code, too_large.status_code) == (200, 413)


@pytest.mark.parametrize("count", [0, 367])
def test_no_day_and_too_many_are_refused(api: Asking, count: int) -> None:
    shown = api.call(f"{AT}/completeness?days={count}")
    body = DAYS | {"days": count}

    made = api.call(f"{AT}/reports", "operator", method="POST", json=body)

    assert (shown.status_code, made.status_code) == (422, 422)


def test_only_operators_put_files_here_and_each_act_leaves_a_line(api: Asking) -> None:
    assert put(api, a_journal(), role="auditor").status_code == 403
    assert api.call(f"{AT}/reports", "auditor", method="POST", json=DAYS).status_code == 403

    put(api, a_journal())
    api.call(f"{AT}/reports", "operator", method="POST", json=DAYS)

    kinds = [line["kind"] for line in api.get("/api/v1/access-log", "operator")["items"]]
    assert kinds[:2] == ["report", "file"]


def test_an_order_that_names_a_person_is_masked_for_an_auditor(api: Asking) -> None:
    row = "TRANSACTION;7;1;DEBIT;1;1;978;20260310;091504;jo@example.org;CAPTURED;"
    put(api, a_journal(row))
    made = api.call(f"{AT}/reports", "operator", method="POST", json=DAYS).get_json()

    shown = api.get(f"/api/v1/reports/{made['id']}")

    names = [
        next(each["order_id"] for each in report["findings"] if each["result"] == "never-told")
        for report in (made, shown)
    ]
    assert names == ["jo@example.org", "[masked]"]


def test_lists_have_pages(api: Asking) -> None:
    put(api, a_journal())
    put(api, a_journal("TRANSACTION;1;1;DEBIT;1;1;978;20260310;091504;CMD-1;CAPTURED;"))

    first = api.get("/api/v1/files?limit=1")
    second = api.get(f"/api/v1/files?limit=1&cursor={first['next_cursor']}")

    assert (len(first["items"]), len(second["items"]), second["next_cursor"]) == (1, 1, None)
    assert first["items"] != second["items"]


# -- shops ----------------------------------------------------------------------------------------


def test_a_token_of_another_shop_gets_nothing(api: Asking) -> None:
    put(api, a_journal())
    made = api.call(f"{AT}/reports", "operator", method="POST", json=DAYS).get_json()
    other: dict[str, Any] = {"shops": (OTHER_SHOP_ID,)}

    report = api.call(f"{AT}/reports", "operator", method="POST", json=DAYS, **other)
    refused = [report, api.call(f"{AT}/completeness", **other)]
    refused.append(api.call(f"/api/v1/files?shop_id={SHOP_ID}", **other))

    assert [each.status_code for each in refused] == [403, 403, 403]
    assert api.call(f"/api/v1/reports/{made['id']}", **other).status_code == 404
    assert api.get("/api/v1/files", **other)["items"] == []
    assert api.get("/api/v1/reports", **other)["items"] == []


@pytest.mark.parametrize(
    ("address", "reason"),
    [(f"{OTHER_SHOP_ID}/test", "other-shop"), (f"{SHOP_ID}/production", "other-mode")],
)
def test_a_kept_file_is_not_shown_to_who_puts_it_elsewhere(
    api: Asking, address: str, reason: str
) -> None:
    put(api, a_journal())

    again = api.call(
        f"/api/v1/shops/{address}/files",
        "operator",
        method="POST",
        shops=(address.partition("/")[0],),
        query_string={"file_name": NAME},
        data=a_journal(),
    )

    assert (again.status_code, again.get_json()["reason"]) == (422, reason)
    assert "file" not in again.get_json()


@pytest.mark.parametrize(
    "days",
    [
        {"first_day": "2026-03-01"},
        {"last_day": "2026-03-10"},
        {"first_day": "2026-03-10", "last_day": "2026-03-01"},
    ],
)
def test_half_a_span_of_days_is_refused(api: Asking, days: dict[str, str]) -> None:
    names = {"file_name": NAME} | days

    refused = api.call(
        f"{AT}/files", "operator", method="POST", query_string=names, data=a_journal()
    )

    assert (refused.status_code, refused.get_json()["code"]) == (422, "not-processable")
    assert api.get("/api/v1/files")["items"] == []


def test_reports_have_pages(api: Asking) -> None:
    for count in (1, 2):
        body = DAYS | {"days": count}
        api.call(f"{AT}/reports", "operator", method="POST", json=body)

    first = api.get("/api/v1/reports?limit=1")
    second = api.get(f"/api/v1/reports?limit=1&cursor={first['next_cursor']}")

    assert (len(first["items"]), len(second["items"]), second["next_cursor"]) == (1, 1, None)
    assert first["items"] != second["items"]
