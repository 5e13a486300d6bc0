"""Visits the pages of a real ledger: with Flask's client, or with a real browser."""

import os
import re
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.test import TestResponse

from ledger.access.roles import ROLES
from ledger.access.users import User, add_user
from ledger.application import Ledger
from ledger.instants import utc_now
from ledger.settings import Settings
from tests.builders import PLAIN_SETTINGS
from web import create_app

PASSWORD = "correct horse battery"
SETTINGS = replace(PLAIN_SETTINGS, secret_key="a synthetic key of enough letters")
HTML = {"Accept": "text/html"}

SIZES = {"phone": {"width": 390, "height": 844}, "desktop": {"width": 1280, "height": 900}}
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
AXE = next((Path(__file__).parent / "axe").glob("axe-*.min.js"))


def add_users(ledger: Ledger, now: datetime) -> dict[str, User]:
    """Somebody for each role, named like it."""
    with ledger.database.begin() as connection:
        return {
            role: add_user(connection, name=role, password=PASSWORD, role=role, now=now)
            for role in ROLES
        }


# -- with Flask's client ------------------------------------------------------------------------


@dataclass
class Visiting:
    """The pages in memory. `now` is the time of requests."""

    ledger: Ledger
    settings: Settings = SETTINGS
    now: datetime = field(default_factory=utc_now)

    def __post_init__(self) -> None:
        self.app = create_app(self.settings, self.ledger, clock=lambda: self.now)
        self.client: FlaskClient = self.app.test_client()

    def get(self, path: str, **more: Any) -> TestResponse:
        return self.client.get(path, **more | {"headers": HTML | more.get("headers", {})})

    def post(self, path: str, page: str, **fields: str) -> TestResponse:
        """Send a form as a browser would that has opened this page."""
        return self.client.post(path, data=fields | {"csrf_token": csrf_token(self.get(page).text)})

    def sign_in(self, name: str, password: str = PASSWORD, **more: str) -> TestResponse:
        return self.post("/sign-in", "/sign-in", name=name, password=password, **more)


def csrf_token(page: str) -> str:
    match = re.search(r'name="csrf_token" value="([^"]+)"', page)
    assert match is not None, page
    return match[1]


# -- with a real browser ------------------------------------------------------------------------


@contextmanager
def started_browser() -> Iterator[Browser]:
    """Debian's chromium. A machine that tests for others must have it; elsewhere it is skipped."""
    path = shutil.which("chromium")
    if path is None:
        hint = "no chromium is installed: apt-get install chromium"
        if os.environ.get("CI"):
            pytest.fail(hint)
        pytest.skip(hint)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        try:
            yield browser
        finally:
            browser.close()


class _Quiet(WSGIRequestHandler):
    def log_request(self, *_: Any) -> None:
        """Say nothing of what went well."""


@contextmanager
def served(app: Flask) -> Iterator[str]:
    """The application on loopback, in threads of this process."""
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=_Quiet)
    often = {"poll_interval": 0.02}  # so that stopping takes no half second
    thread = threading.Thread(target=server.serve_forever, kwargs=often, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join(10)
        server.server_close()


@dataclass
class Visitor:
    """Opens pages in a browser, and notes everything that a page must not do."""

    browser: Browser
    url: str
    app: Flask
    faults: list[str] = field(default_factory=list)
    _contexts: list[BrowserContext] = field(default_factory=list)
    _cookies: dict[str, str] = field(default_factory=dict)

    def open(
        self,
        path: str,
        *,
        role: str | None = "auditor",
        language: str = "en",
        script: bool = True,
        size: str = "desktop",
        scheme: str = "light",
    ) -> Page:
        """A page as this reader sees it; None is nobody. The same window goes on by `goto`."""
        context = self.browser.new_context(
            base_url=self.url,
            locale={"en": "en-GB", "fr": "fr-FR"}[language],
            java_script_enabled=script,
            viewport=SIZES[size],  # type: ignore[arg-type]  # a TypedDict
            color_scheme=scheme,  # type: ignore[arg-type]  # a Literal
            reduced_motion="reduce",
        )
        context.set_default_timeout(15_000)
        self._contexts.append(context)
        if role is not None:
            context.add_cookies([{"name": "ledger", "value": self._cookie(role), "url": self.url}])
        page = context.new_page()
        self._watch(page)
        page.goto(path)
        return page

    def close(self) -> None:
        while self._contexts:
            self._contexts.pop().close()

    def _cookie(self, role: str) -> str:
        """Sign in once for each role, without waiting for a browser to type."""
        if role not in self._cookies:
            client = self.app.test_client()
            token = csrf_token(client.get("/sign-in").text)
            fields = {"name": role, "password": PASSWORD, "csrf_token": token}
            assert client.post("/sign-in", data=fields).status_code == 303
            cookie = client.get_cookie("ledger")
            assert cookie is not None
            self._cookies[role] = cookie.value
        return self._cookies[role]

    def _watch(self, page: Page) -> None:
        page.on("pageerror", lambda error: self.faults.append(f"error: {error}"))
        page.on("dialog", lambda dialog: self._note_dialog(dialog))
        page.on("console", lambda message: self._note(message.type, message.text))
        page.on("request", lambda request: self._note_request(request.url))
        page.on("response", lambda got: self._note_answer(got.status, got.url))

    def _note(self, type_: str, text: str) -> None:
        # an answer other than 200 is looked at by the test itself
        if type_ in ("error", "warning") and not text.startswith("Failed to load resource"):
            self.faults.append(f"{type_}: {text}")

    def _note_request(self, url: str) -> None:
        if not url.startswith((self.url + "/", "data:")):
            self.faults.append(f"asked for {url}")

    def _note_answer(self, status: int, url: str) -> None:
        if status >= 500 or (status >= 400 and "/static/" in url):
            self.faults.append(f"{status} {url}")

    def _note_dialog(self, dialog: Any) -> None:
        self.faults.append(f"dialog: {dialog.message}")
        dialog.dismiss()


def axe_faults(page: Page) -> list[str]:
    """What hinders somebody from using a page, each with where; needs a page with script."""
    page.evaluate(AXE.read_text(encoding="utf-8"))
    result = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{violation['id']}: {node['target']} {node['failureSummary']}"
        for violation in result["violations"]
        for node in violation["nodes"]
    ]


def tab_stops(page: Page, count: int) -> list[str]:
    """What is reached by the tab key, in order. Shape: name of the element and its text or name."""
    stops = []
    for _ in range(count):
        page.keyboard.press("Tab")
        stops.append(
            page.evaluate(
                "(e => `${e.tagName.toLowerCase()} ${(e.name || e.innerText || '').trim()}`)"
                "(document.activeElement)"
            )
        )
    return stops


def is_wider_than_window(page: Page) -> bool:
    """Whether one would have to scroll sideways."""
    return bool(page.evaluate("document.documentElement.scrollWidth > innerWidth"))
