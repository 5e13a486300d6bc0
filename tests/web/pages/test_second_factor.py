"""The second factor at the pages: setting it up, the second step, and who must have it."""

import re
from datetime import timedelta

import pytest
from pyotp import TOTP

from ledger.access.second_factor import reset_second_factor
from ledger.access.users import change_password, find_user, user_by_name
from ledger.settings import Settings
from tests.web.pages.visiting import PASSWORD, Visiting, csrf_token
from web.pages.second_step import CODES_PER_USER
from web.pages.session import HALF_LASTS

PAGE = "/test/search"
WRONG = "000000"
NEW_PASSWORD = "seventeen quiet lanterns"


def is_in(pages: Visiting) -> bool:
    return pages.get(PAGE).status_code == 200


def secret_shown(pages: Visiting) -> str:
    match = re.search(r'class="secret">([A-Z2-7]{32})<', pages.get("/second-factor").text)
    assert match is not None
    return match[1]


def code_of(pages: Visiting, secret: str) -> str:
    return TOTP(secret).at(pages.now)


def codes_shown(page: str) -> list[str]:
    return re.findall(r"\b[a-z2-7]{4}(?:-[a-z2-7]{4}){3}\b", page)


def set_up(pages: Visiting, name: str = "auditor") -> tuple[str, list[str]]:
    """Sign in and set up a device. Shape: its secret and the recovery codes."""
    pages.sign_in(name)
    secret = secret_shown(pages)
    shown = pages.post("/second-factor", "/second-factor", code=code_of(pages, secret))
    assert shown.status_code == 200, shown.text
    pages.now += timedelta(minutes=2)  # so that the next code is another
    return secret, codes_shown(shown.text)


def give(pages: Visiting, code: str, **more: str) -> int:
    return pages.post("/sign-in/code", "/sign-in/code", code=code, **more).status_code


def left(pages: Visiting) -> Visiting:
    """The same pages in another browser."""
    return Visiting(pages.ledger, pages.settings, pages.now)


def requiring(pages: Visiting, *roles: str) -> Visiting:
    settings = Settings(
        database_url="unused", secret_key=pages.settings.secret_key, second_factor_roles=roles
    )
    return Visiting(pages.ledger, settings, pages.now)


def test_a_device_is_set_up_by_its_first_code_and_shows_recovery_codes(
    own_pages: Visiting,
) -> None:
    own_pages.sign_in("auditor")
    secret = secret_shown(own_pages)
    page = own_pages.get("/second-factor").text

    refused = own_pages.post("/second-factor", "/second-factor", code=WRONG)
    again = secret_shown(own_pages)
    shown = own_pages.post("/second-factor", "/second-factor", code=code_of(own_pages, secret))

    assert "<svg" in page
    assert f"secret={secret}" in page
    assert (refused.status_code, again) == (422, secret)
    assert len(codes_shown(shown.text)) == 10
    after = own_pages.get("/second-factor").text
    assert codes_shown(after) == []
    assert secret not in after
    assert "10 recovery codes are left" in after
    assert is_in(own_pages)


def test_a_password_alone_opens_nothing_any_more(own_pages: Visiting) -> None:
    secret, _ = set_up(own_pages)
    other = left(own_pages)

    half = other.sign_in("auditor", next=f"{PAGE}?status=CAPTURED")
    before = is_in(other)
    wrong = give(other, WRONG)
    right = other.post(
        "/sign-in/code", half.location, code=code_of(other, secret), next=f"{PAGE}?status=CAPTURED"
    )

    assert half.location.startswith("/sign-in/code?next=")
    assert (before, wrong) == (False, 422)
    assert (right.status_code, right.location) == (303, f"{PAGE}?status=CAPTURED")
    assert is_in(other)


def test_each_code_signs_in_once(own_pages: Visiting) -> None:
    secret, recovery = set_up(own_pages)
    statuses = []
    for code in (code_of(own_pages, secret), recovery[0]) * 2:
        other = left(own_pages)
        other.sign_in("auditor")
        statuses.append(give(other, code))

    assert statuses == [303, 303, 422, 422]


def test_setting_up_a_device_ends_all_other_sessions(own_pages: Visiting) -> None:
    other = left(own_pages)
    other.sign_in("auditor")
    before = is_in(other)

    set_up(own_pages)

    assert (before, is_in(other), is_in(own_pages)) == (True, False, True)


def test_the_second_step_waits_for_some_minutes(own_pages: Visiting) -> None:
    secret, _ = set_up(own_pages)
    other = left(own_pages)
    other.sign_in("auditor")
    token = csrf_token(other.get("/sign-in/code").text)

    other.now += HALF_LASTS + timedelta(seconds=5)
    late = other.client.post(
        "/sign-in/code", data={"code": code_of(other, secret), "csrf_token": token}
    )

    assert (late.status_code, late.location) == (303, "/sign-in?next=/")
    assert not is_in(other)


@pytest.mark.parametrize("signed_in", [True, False])
def test_without_a_password_before_it_there_is_no_second_step(
    own_pages: Visiting, signed_in: bool
) -> None:
    secret, _ = set_up(own_pages, "operator")
    other = left(own_pages)
    if signed_in:
        other.sign_in("auditor")
    token = csrf_token(other.get(PAGE if signed_in else "/sign-in").text)

    asked_for = other.get("/sign-in/code")
    given = other.client.post(
        "/sign-in/code",
        data={"code": code_of(other, secret), "csrf_token": token, "half_user": "operator"},
    )

    assert (asked_for.status_code, given.status_code) == (303, 303)
    assert other.get("/test/access").status_code == (403 if signed_in else 303)


def test_what_ends_a_session_ends_the_second_step_too(own_pages: Visiting) -> None:
    secret, _ = set_up(own_pages)
    other = left(own_pages)
    other.sign_in("auditor")
    token = csrf_token(other.get("/sign-in/code").text)

    own_pages.post("/sign-out", PAGE)
    other.client.post("/sign-in/code", data={"code": code_of(other, secret), "csrf_token": token})

    assert not is_in(other)


def test_guessing_codes_is_slowed_down_by_person(own_pages: Visiting) -> None:
    secret, _ = set_up(own_pages)
    own_pages.post("/sign-out", PAGE)
    own_pages.sign_in("auditor")
    refused = [give(own_pages, WRONG) for _ in range(CODES_PER_USER)]

    own_pages.sign_in("auditor")  # the password once more does not help
    slowed = give(own_pages, code_of(own_pages, secret))

    assert set(refused) == {422}
    assert slowed == 429
    assert own_pages.sign_in("operator").status_code == 303


def test_new_recovery_codes_need_a_code_and_end_the_old_ones(own_pages: Visiting) -> None:
    secret, old = set_up(own_pages)
    renewals = "/second-factor/recovery-codes"

    refused = own_pages.post(renewals, "/second-factor", code=WRONG)
    renewed = own_pages.post(renewals, "/second-factor", code=code_of(own_pages, secret))

    assert (refused.status_code, renewed.status_code) == (422, 200)
    new = codes_shown(renewed.text)
    assert len(new) == 10
    other = left(own_pages)
    other.sign_in("auditor")
    assert (give(other, old[0]), give(other, new[0])) == (422, 303)


def test_a_device_that_is_there_is_not_replaced_in_a_session(own_pages: Visiting) -> None:
    secret, _ = set_up(own_pages)
    own_pages.post("/second-factor", "/second-factor", code=code_of(own_pages, secret))
    other = left(own_pages)
    other.sign_in("auditor")

    assert give(other, code_of(other, secret)) == 303


def test_a_required_second_factor_is_set_up_before_anything_else(own_pages: Visiting) -> None:
    pages = requiring(own_pages, "operator", "auditor-personal")
    pages.sign_in("operator")

    led = [pages.get(path) for path in (PAGE, "/", "/test/access", "/test/notifications")]
    posted = pages.post("/test/access/tokens", "/second-factor", name="x", role="operator")
    page = pages.get("/second-factor")

    assert {(answer.status_code, answer.location) for answer in [*led, posted]} == {
        (303, "/second-factor")
    }
    assert "Your role needs a second factor" in page.text
    secret = secret_shown(pages)
    pages.post("/second-factor", "/second-factor", code=code_of(pages, secret))
    assert is_in(pages)
    assert pages.post("/sign-out", PAGE).status_code == 303


def test_a_password_from_an_operator_is_replaced_before_the_second_factor(
    own_pages: Visiting,
) -> None:
    pages = requiring(own_pages, "operator")
    with own_pages.ledger.database.begin() as connection:
        change_password(connection, "operator", PASSWORD, now=pages.now, must_change_password=True)
    pages.sign_in("operator")

    first = [pages.get(path).location for path in (PAGE, "/second-factor")]
    pages.post("/password", "/password", old=PASSWORD, new=NEW_PASSWORD, again=NEW_PASSWORD)
    second = [pages.get(path).location for path in (PAGE, "/password")]
    secret = secret_shown(pages)
    pages.post("/second-factor", "/second-factor", code=code_of(pages, secret))

    assert (set(first), set(second)) == ({"/password"}, {"/second-factor"})
    assert is_in(pages)


def test_a_change_of_ones_password_asks_for_no_second_code(own_pages: Visiting) -> None:
    pages = requiring(own_pages, "operator")
    set_up(pages, "operator")
    changed = pages.post(
        "/password", "/password", old=PASSWORD, new=NEW_PASSWORD, again=NEW_PASSWORD
    )

    assert changed.status_code == 200
    assert is_in(pages)


def test_a_second_factor_is_required_of_the_roles_that_are_named(own_pages: Visiting) -> None:
    pages = requiring(own_pages, "operator")
    pages.sign_in("auditor")

    assert is_in(pages)


def test_who_has_been_reset_must_set_up_anew(own_pages: Visiting) -> None:
    secret, _ = set_up(own_pages, "operator")
    pages = requiring(own_pages, "operator")
    with own_pages.ledger.database.begin() as connection:
        user = user_by_name(connection, "operator")
        assert user is not None
        reset_second_factor(connection, user)
        assert find_user(connection, user.id) is not None

    assert not is_in(own_pages)
    pages.sign_in("operator", PASSWORD)
    assert pages.get(PAGE).location == "/second-factor"
    assert secret_shown(pages) != secret


def test_an_operator_resets_the_second_factor_of_others(own_pages: Visiting) -> None:
    set_up(own_pages, "auditor")
    operator = left(own_pages)
    operator.sign_in("operator")
    with own_pages.ledger.database.connect() as connection:
        user = user_by_name(connection, "auditor")
    assert user is not None

    page = operator.post(f"/test/access/users/{user.id}/second_factor", "/test/access")
    log = operator.get("/test/access-log?kind=user-second-factor").text

    assert page.status_code == 200
    assert user.id in log
    assert not is_in(own_pages)
    assert left(own_pages).sign_in("auditor").location == "/"
