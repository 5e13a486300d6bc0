"""One's own password: changed by whoever knows it, and first of all if an operator set it."""

import re

import pytest
from playwright.sync_api import expect

from ledger.access.guessing import PER_DEVICE
from ledger.access.log import accesses
from ledger.access.users import add_user, change_password
from tests.web.pages.visiting import PASSWORD, Visiting, Visitor, axe_faults

HERE = "/password"
NEW = "velvet tractor onion"


def change(pages: Visiting, old: str = PASSWORD, new: str = NEW, again: str | None = None) -> str:
    """What the page says. Shape: the status and the alert, if there is one."""
    page = pages.post(HERE, HERE, old=old, new=new, again=new if again is None else again)
    (alert,) = re.findall(r'role="alert">([^<]+)<', page.text) or [""]
    return f"{page.status_code} {alert}".strip()


def given_a_password(pages: Visiting, role: str = "operator") -> Visiting:
    """Signed in with a password that an operator has set."""
    with pages.ledger.database.begin() as connection:
        change_password(connection, role, PASSWORD, now=pages.now, must_change_password=True)
    pages.sign_in(role)
    return pages


def test_a_new_password_opens_and_the_old_one_does_not(own_pages_anywhere: Visiting) -> None:
    pages, other = own_pages_anywhere, Visiting(own_pages_anywhere.ledger)
    pages.sign_in("auditor")
    other.sign_in("auditor")

    changed = change(pages)

    assert changed == "200"
    assert pages.get("/test").status_code == 200
    assert other.get("/test").status_code == 303  # that session is over
    assert other.sign_in("auditor").status_code == 422
    assert other.sign_in("auditor", NEW).status_code == 303


def test_a_change_of_password_leaves_a_line_whatever_the_role(own_pages: Visiting) -> None:
    own_pages.sign_in("auditor")
    change(own_pages)

    with own_pages.ledger.database.connect() as connection:
        (line,) = accesses(connection, limit=9)
    assert (line.kind, line.token_name, line.status) == ("own-password", "auditor", 200)


@pytest.mark.parametrize(
    ("fields", "alert"),
    [
        ({"old": "wrong"}, "not your password"),
        ({"again": "another one than that"}, "not the same both times"),
        ({"new": PASSWORD}, "Take another password"),
        ({"new": "short"}, "12 to 1000 characters"),
        ({"new": "Password1234"}, "first that are tried"),
        ({"new": "Auditor-PayZen-1"}, "Too little is left"),
        ({"new": "Shop-12345678-x!"}, "Too little is left"),
    ],
)
def test_what_cannot_be_done_says_why(
    own_pages: Visiting, fields: dict[str, str], alert: str
) -> None:
    own_pages.sign_in("auditor")

    refused = change(own_pages, **fields)

    assert refused.startswith("422")
    assert alert in refused
    assert own_pages.get("/test").status_code == 200
    assert Visiting(own_pages.ledger).sign_in("auditor").status_code == 303


def test_nobody_guesses_a_password_from_an_open_session(own_pages: Visiting) -> None:
    own_pages.sign_in("auditor")

    answers = [change(own_pages, old=f"wrong {number}") for number in range(PER_DEVICE + 5)]

    assert [answer[:3] for answer in answers] == ["422"] * PER_DEVICE + ["429"] * 5
    assert change(own_pages).startswith("429")


def test_a_form_of_another_site_changes_no_password(own_pages: Visiting) -> None:
    own_pages.sign_in("auditor")

    sent = own_pages.client.post(HERE, data={"old": PASSWORD, "new": NEW, "again": NEW})

    assert sent.status_code == 400
    assert Visiting(own_pages.ledger).sign_in("auditor").status_code == 303


def test_a_stranger_is_asked_to_sign_in_first(own_pages: Visiting) -> None:
    assert own_pages.get(HERE).location == "/sign-in?next=%2Fpassword"
    assert own_pages.client.post(HERE).status_code == 303


@pytest.mark.parametrize("path", ["/", "/test", "/production/search", "/test/access", "/test/x"])
def test_who_has_a_password_from_an_operator_sees_nothing_else(
    own_pages: Visiting, path: str
) -> None:
    pages = given_a_password(own_pages)

    led = pages.get(path)
    posted = pages.client.post("/test/access/tokens", data={"name": "x", "role": "operator"})
    part = pages.client.get("/test/search", headers={"HX-Request": "true"})

    assert led.status_code in (303, 404)
    assert led.location == (HERE if led.status_code == 303 else None)
    assert (posted.status_code, posted.location) == (303, HERE)
    assert part.headers["HX-Redirect"] == HERE
    assert "An operator set" in pages.get(HERE).text
    assert "/test/access" not in pages.get(HERE).text


def test_all_opens_once_the_password_is_ones_own(own_pages: Visiting) -> None:
    pages = given_a_password(own_pages)
    same = change(pages, new=PASSWORD)
    changed = change(pages)

    assert same.startswith("422")
    assert changed == "200"
    assert pages.get("/test/access").status_code == 200
    later = Visiting(pages.ledger)
    later.sign_in("operator", NEW)
    assert later.get("/test/access").status_code == 200


def test_one_can_leave_without_choosing_a_password(own_pages: Visiting) -> None:
    pages = given_a_password(own_pages)

    assert pages.post("/sign-out", HERE).location == "/sign-in"
    assert pages.get(HERE).status_code == 303


@pytest.mark.parametrize("act", ["users", "password"])
def test_a_password_that_an_operator_makes_must_be_replaced(own_pages: Visiting, act: str) -> None:
    own_pages.sign_in("operator")
    with own_pages.ledger.database.begin() as connection:
        zoe = add_user(connection, name="zoe", password=PASSWORD, role="auditor", now=own_pages.now)
    path = "users" if act == "users" else f"users/{zoe.id}/password"
    page = own_pages.post(f"/test/access/{path}", "/test/access", name="jo", role="auditor")
    (secret,) = re.findall(r'class="secret">([^<]+)<', page.text)
    other = Visiting(own_pages.ledger)
    other.sign_in("jo" if act == "users" else "zoe", secret)

    assert other.get("/test").location == HERE
    assert change(other, old=secret) == "200"
    assert other.get("/test").status_code == 200


@pytest.mark.parametrize("language", ["en", "fr"])
def test_the_page_serves_everybody(visitor: Visitor, language: str) -> None:
    page = visitor.open(HERE, language=language)

    page.get_by_label("Nouveau" if language == "fr" else "New password").first.fill("short")

    expect(page.locator("form.narrow")).to_have_attribute("action", HERE)
    assert axe_faults(page) == []
