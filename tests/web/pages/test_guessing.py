"""Guessing at passwords on the page where one signs in, and those whom guessers cannot keep out."""

import random
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from ledger.access.guessing import PER_DEVICE, PER_NAME, PER_NAME_AND_NETWORK, PER_NETWORK, WINDOW
from ledger.access.password_hashes import QUEUE_MAX, hashing_queue
from ledger.access.users import all_users, change_password
from tests.web.pages.visiting import PASSWORD, Visiting, csrf_token
from web.pages import known_devices

HTTPS = "https://ledger.example.com"
OTHER_PASSWORD = "velvet tractor onion"
DEVICE = "__Host-ledger-device"


class Browser:
    """A browser somewhere in the world, by https."""

    def __init__(self, pages: Visiting, address: str = "192.0.2.1") -> None:
        self.client: FlaskClient = pages.app.test_client()
        self.token = ""
        self.address = address
        self.forget_session()

    def forget_session(self) -> None:
        """Have no session any more, as on the next morning."""
        self.client.delete_cookie("__Host-ledger", domain="ledger.example.com")
        self.token = csrf_token(self.client.get("/sign-in", base_url=HTTPS).text)

    def sign_in(self, name: str, password: str = "wrong", address: str = "") -> TestResponse:
        return self.client.post(
            "/sign-in",
            data={"name": name, "password": password, "csrf_token": self.token},
            base_url=HTTPS,
            headers={"Referer": f"{HTTPS}/sign-in", "Accept": "text/html"},
            environ_overrides={"REMOTE_ADDR": address or self.address},
        )


def anywhere() -> str:
    return ":".join(["2001:db8", *(f"{random.randrange(2**16):x}" for _ in range(6))])


def a_known_browser(pages: Visiting) -> Browser:
    """One in which the auditor has signed in before."""
    browser = Browser(pages)
    assert browser.sign_in("auditor", PASSWORD).status_code == 303
    browser.forget_session()
    return browser


def guess(pages: Visiting, name: str = "auditor", *, count: int = 40) -> None:
    """Guess at a name from all over the world until nothing is looked at any more."""
    stranger = Browser(pages)
    statuses = [stranger.sign_in(name, address=anywhere()).status_code for _ in range(count)]
    assert statuses[-1] == 429


def test_of_many_guesses_in_all_spellings_few_are_looked_at(own_pages: Visiting) -> None:
    stranger = Browser(own_pages)
    wide = "".join(chr(ord(letter) + 0xFEE0) for letter in "auditor")
    spellings = [
        "auditor",
        "AUDITOR",
        " auditor",
        wide,
        "audi\u200btor",
        "\u202eauditor",
        "ａuditor",
    ]

    statuses = [
        stranger.sign_in(spellings[number % len(spellings)], address=anywhere()).status_code
        for number in range(200)
    ]

    assert statuses.count(422) == PER_NAME <= 30
    assert statuses.count(429) == 200 - PER_NAME
    assert stranger.sign_in(wide, PASSWORD, anywhere()).status_code == 429


def test_who_has_signed_in_here_before_gets_in_while_others_guess(own_pages: Visiting) -> None:
    mine = a_known_browser(own_pages)
    guess(own_pages)

    mine.address = anywhere()
    elsewhere = Browser(own_pages, mine.address).sign_in("auditor", PASSWORD)

    assert mine.sign_in("auditor", PASSWORD).status_code == 303
    assert elsewhere.status_code == 429
    assert 0 < int(elsewhere.headers["Retry-After"]) <= WINDOW.total_seconds()
    assert "signed in before" in elsewhere.text


def test_a_new_browser_gets_in_from_the_network_of_the_last_sign_in(own_pages: Visiting) -> None:
    Browser(own_pages, "2001:db8:1:2::3").sign_in("auditor", PASSWORD)
    guess(own_pages)

    newer = Browser(own_pages, "2001:db8:1:2:ffff::4").sign_in("auditor", PASSWORD)

    assert newer.status_code == 303


def test_a_stranger_in_the_same_office_keeps_nobody_out(own_pages: Visiting) -> None:
    mine, stranger = a_known_browser(own_pages), Browser(own_pages)

    statuses = [stranger.sign_in("auditor").status_code for _ in range(30)]

    assert statuses.count(422) == PER_NAME_AND_NETWORK
    assert mine.sign_in("auditor", PASSWORD).status_code == 303


def test_signing_out_does_not_make_a_browser_unknown(own_pages: Visiting) -> None:
    mine = Browser(own_pages)
    mine.sign_in("auditor", PASSWORD)
    page = mine.client.get("/test", base_url=HTTPS).text
    mine.client.post(
        "/sign-out",
        data={"csrf_token": csrf_token(page)},
        base_url=HTTPS,
        headers={"Referer": HTTPS},
    )
    guess(own_pages)
    mine.forget_session()

    assert mine.sign_in("auditor", PASSWORD, anywhere()).status_code == 303


def test_a_browser_is_no_longer_known_after_another_password(own_pages: Visiting) -> None:
    mine = a_known_browser(own_pages)
    with own_pages.ledger.database.begin() as connection:
        change_password(connection, "auditor", OTHER_PASSWORD, now=own_pages.now)
    guess(own_pages)

    assert mine.sign_in("auditor", OTHER_PASSWORD, anywhere()).status_code == 429


def test_a_browser_is_known_for_half_a_year(own_pages: Visiting) -> None:
    mine = a_known_browser(own_pages)
    began = own_pages.now

    own_pages.now = began + known_devices.LASTS - WINDOW
    guess(own_pages)
    before = mine.sign_in("auditor", "wrong", anywhere()).status_code
    own_pages.now = began + known_devices.LASTS + timedelta(seconds=1)
    guess(own_pages)

    assert before == 422
    assert mine.sign_in("auditor", PASSWORD, anywhere()).status_code == 429


def test_a_browser_that_two_people_share_knows_both(own_pages: Visiting) -> None:
    shared = Browser(own_pages)
    for name in ("auditor", "operator"):
        assert shared.sign_in(name, PASSWORD).status_code == 303
        shared.forget_session()
    for name in ("auditor", "operator"):
        guess(own_pages, name)

    for name in ("auditor", "operator"):
        assert shared.sign_in(name, PASSWORD, anywhere()).status_code == 303
        shared.forget_session()


@pytest.mark.parametrize("forged", ["", "x", "eyJpZCI6IjEifQ.AAAA", "é", "null"])
def test_a_forged_cookie_makes_no_browser_known(own_pages: Visiting, forged: str) -> None:
    guess(own_pages)
    stranger = Browser(own_pages)
    stranger.client.set_cookie(DEVICE, forged, domain="ledger.example.com", secure=True)

    assert stranger.sign_in("auditor", PASSWORD, anywhere()).status_code == 429


def test_a_known_browser_of_somebody_is_a_stranger_to_others(own_pages: Visiting) -> None:
    mine = a_known_browser(own_pages)
    guess(own_pages, "operator")

    assert mine.sign_in("operator", PASSWORD, anywhere()).status_code == 429


def test_a_known_browser_may_not_guess_for_ever(own_pages: Visiting) -> None:
    mine = a_known_browser(own_pages)

    statuses = [mine.sign_in("auditor", address=anywhere()).status_code for _ in range(30)]

    assert statuses.count(422) == PER_DEVICE


def test_the_cookie_of_a_browser_is_like_that_of_a_session(own_pages: Visiting) -> None:
    cookies = {
        header.partition("=")[0]: header
        for header in Browser(own_pages).sign_in("auditor", PASSWORD).headers.getlist("Set-Cookie")
    }

    assert set(cookies) == {DEVICE, "__Host-ledger"}
    for word in ("Secure", "HttpOnly", "Path=/", "SameSite=Lax"):
        assert f"; {word}" in cookies[DEVICE]
    assert "Domain" not in cookies[DEVICE]


@pytest.mark.parametrize("own_address", ["198.51.100.7", "::ffff:198.51.100.7", "2001:db8:9::"])
def test_a_network_tries_only_so_many_names(own_pages: Visiting, own_address: str) -> None:
    stranger = Browser(own_pages)
    statuses = []
    for number in range(40):
        address = own_address + f"{number:x}" if own_address.endswith("::") else own_address
        statuses.append(stranger.sign_in(f"nobody {number}", address=address).status_code)

    assert statuses.count(422) == PER_NETWORK
    assert Browser(own_pages, "203.0.113.5").sign_in("operator", PASSWORD).status_code == 303


def test_who_is_held_learns_nothing_of_whether_the_name_exists(own_pages: Visiting) -> None:
    def answers(name: str) -> list[tuple[int, str | None]]:
        stranger = Browser(own_pages)
        responses = [stranger.sign_in(name, address=anywhere()) for _ in range(20)]
        return [(answer.status_code, answer.headers.get("Retry-After")) for answer in responses]

    assert answers("auditor") == answers("nobody at all")


def test_a_crowd_at_the_door_is_asked_to_come_again(own_pages: Visiting) -> None:
    mine = a_known_browser(own_pages)
    crowd = [Browser(own_pages, anywhere()) for _ in range(QUEUE_MAX)]
    pause = threading.Event()
    with ThreadPoolExecutor() as pool, hashing_queue.turn():  # held: whoever comes now waits
        waiting = [pool.submit(browser.sign_in, f"n{i}") for i, browser in enumerate(crowd)]
        while hashing_queue.present < QUEUE_MAX:
            pause.wait(0.001)
        turned_away = Browser(own_pages, anywhere()).sign_in("auditor", PASSWORD)
        known = pool.submit(mine.sign_in, "auditor", PASSWORD)
        while hashing_queue.present == QUEUE_MAX:
            pause.wait(0.001)

    assert (turned_away.status_code, turned_away.headers["Retry-After"]) == (429, "1")
    assert "Wait a moment" in turned_away.text
    assert {answer.result().status_code for answer in waiting} == {422}
    assert known.result().status_code == 303


def test_the_network_of_a_sign_in_is_not_shown_to_others(own_pages: Visiting) -> None:
    Browser(own_pages, "2001:db8:1:2::3").sign_in("auditor", PASSWORD)

    with own_pages.ledger.database.connect() as connection:
        (user,) = (user for user in all_users(connection) if user.name == "auditor")
    assert user.last_signed_in_from == "2001:db8:1:2::/64"
    assert "2001:db8" not in repr(user)
