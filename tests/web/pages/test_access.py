"""Who may read, given and ended by operators, and the log of what was read."""

import re

import pytest
from playwright.sync_api import expect
from werkzeug.test import TestResponse

from ledger.access.log import accesses
from ledger.access.tokens import all_tokens, create_token
from ledger.access.users import add_user, all_users
from tests.builders import NOON, OTHER_SHOP_ID, SHOP_ID, UUID, a_rest_call, receive
from tests.web.pages.hostile import SCRIPT
from tests.web.pages.visiting import PASSWORD, Visiting, Visitor

HERE = "/test/access"


def secret_of(page: TestResponse) -> str:
    (secret,) = re.findall(r'class="secret">([^<]+)<', page.text)
    return str(secret)


def kinds(own: Visiting) -> list[str]:
    with own.ledger.database.connect() as connection:
        return [access.kind for access in accesses(connection, limit=99)]


def user_id(own: Visiting, name: str) -> str:
    with own.ledger.database.connect() as connection:
        return next(user.id for user in all_users(connection) if user.name == name)


def test_a_token_is_shown_once_and_opens_until_it_is_revoked(own_pages_anywhere: Visiting) -> None:
    own = own_pages_anywhere
    own.sign_in("operator")

    made = own.post(f"{HERE}/tokens", HERE, name=SCRIPT, role="auditor", expires="2999-12-31")
    secret = secret_of(made)
    bearer = {"Authorization": f"Bearer {secret}"}
    opened = own.client.get("/api/v1/events", headers=bearer).status_code
    later = own.get(HERE).text
    with own.ledger.database.connect() as connection:
        (token,) = all_tokens(connection)
    own.post(f"{HERE}/tokens/{token.id}/revoke", HERE)

    assert opened == 200
    assert secret not in later
    assert SCRIPT not in later
    assert (token.role, token.shops) == ("auditor", None)
    assert own.client.get("/api/v1/events", headers=bearer).status_code == 401
    assert kinds(own) == ["token-revoked", "token-created"]


def test_somebody_is_let_in_disabled_and_let_in_again(own_pages: Visiting) -> None:
    own = own_pages
    own.sign_in("operator")
    password = secret_of(own.post(f"{HERE}/users", HERE, name="Zoé", role="auditor", shop=SHOP_ID))
    id_ = user_id(own, "Zoé")
    other = Visiting(own.ledger)

    assert other.sign_in("zoé", password).status_code == 303
    own.post(f"{HERE}/users/{id_}/disable", HERE)
    assert other.get("/test").status_code == 303  # to the door
    assert other.sign_in("zoé", password).status_code == 422

    own.post(f"{HERE}/users/{id_}/enable", HERE)
    newer = secret_of(own.post(f"{HERE}/users/{id_}/password", HERE))
    assert other.sign_in("zoé", password).status_code == 422
    assert other.sign_in("zoé", newer).status_code == 303
    assert kinds(own)[:4] == ["user-password", "user-enable", "user-disable", "user-added"]


def test_a_form_that_cannot_be_done_says_why(own_pages: Visiting) -> None:
    own_pages.sign_in("operator")
    fields = {"name": "x", "role": "auditor"}

    wrong = [
        own_pages.post(f"{HERE}/users", HERE, **(fields | {"name": "Auditor"})),
        own_pages.post(f"{HERE}/users", HERE, **(fields | {"name": "\u202e"})),
        own_pages.post(f"{HERE}/tokens", HERE, **(fields | {"name": ""})),
        own_pages.post(f"{HERE}/tokens", HERE, **(fields | {"role": "king"})),
        own_pages.post(f"{HERE}/tokens", HERE, **(fields | {"shop": "99999999"})),
        own_pages.post(f"{HERE}/tokens", HERE, **(fields | {"expires": "2001-01-01"})),
        own_pages.post(f"{HERE}/tokens", HERE, **(fields | {"expires": "soon"})),
        own_pages.post(f"{HERE}/users/{user_id(own_pages, 'operator')}/disable", HERE),
    ]

    assert {page.status_code for page in wrong} == {422}
    assert all('role="alert"' in page.text for page in wrong)
    assert own_pages.post(f"{HERE}/tokens/nothing/revoke", HERE).status_code == 404


def test_an_operator_of_one_shop_gives_no_more_than_they_have(own_pages: Visiting) -> None:
    own = own_pages
    with own.ledger.database.begin() as connection:
        add_user(
            connection, name="one", password=PASSWORD, role="operator", now=own.now,
            shops=[OTHER_SHOP_ID],
        )  # fmt: skip
        everything, _ = create_token(connection, name="all", role="operator", now=own.now)
    own.sign_in("one")

    page = own.get(HERE).text
    own.post(f"{HERE}/tokens", HERE, name="mine", role="operator")
    beyond = own.post(f"{HERE}/tokens", HERE, name="theirs", role="auditor", shop=SHOP_ID)

    assert "auditor-personal</bdi>" not in page
    assert beyond.status_code == 422
    assert own.post(f"{HERE}/tokens/{everything.id}/revoke", HERE).status_code == 404
    stranger = user_id(own, "auditor")
    assert own.post(f"{HERE}/users/{stranger}/password", HERE).status_code == 404
    with own.ledger.database.connect() as connection:
        shops_by_name = {token.name: token.shops for token in all_tokens(connection)}
    assert shops_by_name == {"all": None, "mine": (OTHER_SHOP_ID,)}


@pytest.mark.parametrize("role", ["auditor", "auditor-personal"])
def test_others_neither_see_nor_change_who_may_read(own_pages: Visiting, role: str) -> None:
    own_pages.sign_in(role)
    fields = {"name": "x", "role": "operator"}

    refused = [
        own_pages.get(HERE),
        own_pages.get("/test/access-log"),
        own_pages.post(f"{HERE}/tokens", "/test", **fields),
        own_pages.post(f"{HERE}/users", "/test", **fields),
        own_pages.post(f"{HERE}/users/{user_id(own_pages, 'operator')}/disable", "/test"),
    ]

    assert [page.status_code for page in refused] == [403] * 5
    assert HERE not in own_pages.get("/test").text
    assert kinds(own_pages) == ["refused"] * 5


def test_nothing_changes_without_the_token_of_a_form(own_pages: Visiting) -> None:
    own_pages.sign_in("operator")

    sent = own_pages.client.post(f"{HERE}/tokens", data={"name": "x", "role": "operator"})

    assert sent.status_code == 400
    with own_pages.ledger.database.connect() as connection:
        assert all_tokens(connection) == []


def test_the_access_log_is_filtered_and_paged(own_pages: Visiting) -> None:
    own = own_pages
    own.sign_in("auditor")
    for _ in range(31):
        own.get(HERE)
    own.post("/sign-out", "/test/search")
    own.sign_in("operator")
    own.post(f"{HERE}/tokens", HERE, name="x", role="auditor")

    first = own.get("/test/access-log").text
    (onward,) = re.findall(r'href="([^"]+)" rel="next"', first)
    second = own.get(onward.replace("&amp;", "&")).text
    made = own.get("/test/access-log?kind=token-created").text

    assert [page.count("<tr role=") for page in (first, second, made)] == [31, 3, 2]
    assert "No line fits" in own.get("/test/access-log?reference=nothing").text
    assert own.get("/test/access-log?cursor=x").status_code == 422


def test_a_line_of_the_log_shows_its_address_while_it_is_there(own_pages: Visiting) -> None:
    own_pages.sign_in("operator")
    own_pages.post(f"{HERE}/tokens", HERE, name="x", role="auditor")
    before = own_pages.get("/test/access-log?kind=token-created").text

    with own_pages.ledger.database.begin() as connection:
        connection.exec_driver_sql("DELETE FROM access_addresses")

    after = own_pages.get("/test/access-log?kind=token-created").text
    assert "<code>127.0.0.1</code>" in before
    assert "<code>–</code>" in after
    assert "127.0.0.1" not in after


@pytest.mark.parametrize("script", [True, False])
def test_access_is_given_in_a_browser(visitor: Visitor, script: bool) -> None:
    page = visitor.open(HERE, role="operator", script=script)
    page.get_by_text("Create a token", exact=True).first.click()

    page.locator("#token-name").fill(" ")  # so that the shared ledger stays as it is
    page.get_by_role("button", name="Create a token").click()

    expect(page.get_by_role("alert")).to_contain_text("A name has 1 to 100")


def test_what_cannot_be_logged_is_not_answered(own_pages: Visiting) -> None:
    receive(own_pages.ledger, a_rest_call("AUTHORISED", NOON))
    own_pages.sign_in("operator")
    with own_pages.ledger.database.begin() as connection:
        connection.exec_driver_sql("DROP TABLE access_log")

    page = own_pages.get(f"/test/shops/{SHOP_ID}/transactions/{UUID}")

    assert page.status_code == 503
    assert "history-title" not in page.text


def test_what_is_not_known_leaves_no_line(own_pages: Visiting) -> None:
    own_pages.sign_in("operator")

    for name in ("transactions/none", "aliases/none", "orders/none"):
        assert own_pages.get(f"/test/shops/{SHOP_ID}/{name}").status_code == 404

    assert kinds(own_pages) == []
