"""Pages: how soon a whole page has come, as a ratio to a lookup through the same server."""

import http.client
import re
import secrets
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlencode

from sqlalchemy import select

from bench.figures import Goal, Sheet, ratios
from bench.ground import SHOP_ID, Extent, median
from bench.ingest import THREADS, WORKERS
from bench.servers import Served, ledger, served
from ledger.access.roles import OPERATOR
from ledger.access.tokens import create_token
from ledger.access.users import add_user
from ledger.application import Ledger
from ledger.projections.engine.generations import live_generation, tables_of
from ledger.projections.engine.registry import projection
from ledger.storage.tables import notifications

CALLS = 20
NAME, PASSWORD = "bench", secrets.token_hex(16)
LOOKUP = "a delivery by its id, from the query API"
MODE = "test"


@dataclass
class Visitor:
    """One connection, signed in as a person and, for the API, with a token."""

    connection: http.client.HTTPConnection
    token: str
    cookies: dict[str, str] = field(default_factory=dict)

    def seconds(self, path: str) -> float:
        """Measure the time until the last byte of an answer is there.

        Errors: AssertionError for a page that is not shown.
        """
        began = time.perf_counter()
        response = self._answer("GET", path)
        body = response.read()
        taken = time.perf_counter() - began
        assert response.status == 200, f"{path}: {response.status}"
        assert body, f"{path} is empty"
        return taken

    def sign_in(self) -> None:
        page = self._answer("GET", "/sign-in").read().decode()
        token = re.search(r'name="csrf_token" value="([^"]+)"', page)
        assert token is not None, page
        fields = {"csrf_token": token[1], "name": NAME, "password": PASSWORD}
        response = self._answer("POST", "/sign-in", urlencode(fields))
        response.read()
        assert response.status in (302, 303), response.status

    def _answer(self, method: str, path: str, body: str | None = None) -> http.client.HTTPResponse:
        headers = {"Cookie": "; ".join(f"{name}={text}" for name, text in self.cookies.items())}
        if path.startswith("/api/"):
            headers = {"Authorization": f"Bearer {self.token}"}
        if body is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        self.connection.request(method, path, body, headers)
        response = self.connection.getresponse()
        for cookie in response.headers.get_all("Set-Cookie") or []:
            name, _, text = cookie.partition(";")[0].partition("=")
            self.cookies[name] = text
        return response


def measured(database: str, url: str, filled: Ledger, extent: Extent) -> Sheet:
    """Ask a server on a ledger that is filled already for every kind of page."""
    now = datetime.now(UTC)
    with filled.database.begin() as connection:
        _, token = create_token(connection, name=NAME, role=OPERATOR, now=now)
        add_user(connection, name=NAME, password=PASSWORD, role=OPERATOR, now=now)
    paths = _paths(filled)
    seconds: dict[str, list[float]] = {name: [] for name in paths}
    environ = {
        "LEDGER_SECRET_KEY": secrets.token_hex(32),
        "LEDGER_RATE_PER_TOKEN": "1000000/minute",
        "LEDGER_RATE_PER_ADDRESS": "1000000/minute",
    }
    workers = 1 if filled.database.is_sqlite else WORKERS
    with served(ledger(workers, THREADS), url, environ=environ) as server:
        visitor = _visitor(server, token)
        for path in paths.values():
            visitor.seconds(path)
        for _ in range(extent.rounds):
            for name, path in paths.items():
                taken = [visitor.seconds(path) for _ in range(CALLS)]
                seconds[name].append(median(taken))
        memory = server.peak_memory_mib()
    sheet = Sheet(
        "pages",
        database,
        f"{extent.events} events, last byte, median of {CALLS} calls, {extent.rounds} rounds",
    )
    for name, rounds in seconds.items():
        figure = sheet.add(name, rate=1 / median(rounds), p50_ms=median(rounds) * 1000)
        if name != LOOKUP:
            figure.ratio, figure.of = ratios(rounds, seconds[LOOKUP]), "the API's lookup"
            figure.goal = Goal(high=3)
    sheet.figures[-1].memory_mib = memory
    return sheet


def _visitor(server: Served, token: str) -> Visitor:
    visitor = Visitor(http.client.HTTPConnection("127.0.0.1", server.port, timeout=60), token)
    visitor.sign_in()
    return visitor


def _paths(filled: Ledger) -> dict[str, str]:
    """Return a page of each kind. Shape: its name -> its address; the lookup comes first."""
    with filled.database.connect() as connection:
        delivery = connection.scalar(select(notifications.c.id).limit(1))
        names = {
            view: connection.scalar(select(_column(filled, view, column)).limit(1))
            for view, column in (
                ("aliases", "alias"),
                ("subscriptions", "subscription_id"),
                ("orders", "order_id"),
            )
        }
    recorded = next(
        recorded
        for recorded in filled.events.events_after(0, 500)
        if recorded.event.TOPIC.startswith("transaction.")
    )
    shop = f"/{MODE}/shops/{SHOP_ID}"
    return {
        LOOKUP: f"/api/v1/notifications/{delivery}",
        "overview": f"/{MODE}",
        "search, first page": f"/{MODE}/search",
        "transaction": f"{shop}/transactions/{quote(recorded.event.reference)}",
        "evidence": f"{shop}/events/{recorded.position}/evidence",
        "notification": f"/{MODE}/notifications/{delivery}",
        "notifications": f"/{MODE}/notifications",
        "quarantine": f"/{MODE}/quarantine",
        "views": f"/{MODE}/projections",
        "tokens and users": f"/{MODE}/access",
        "access log": f"/{MODE}/access-log",
        "order": f"{shop}/orders/{quote(str(names['orders']), safe='')}",
        "alias": f"{shop}/aliases/{quote(str(names['aliases']), safe='')}",
        "subscription": f"{shop}/subscriptions/{quote(str(names['subscriptions']), safe='')}",
    }


def _column(filled: Ledger, view: str, column: str) -> Any:
    with filled.database.connect() as connection:
        generation = live_generation(connection, projection(view))
    assert generation is not None
    tables = tables_of(projection(view), generation.id)
    return next(table for declared, table in tables.items() if declared.name == view).c[column]
