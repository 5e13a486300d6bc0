"""Asks the query API of a real ledger, under any role."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from ledger.access.tokens import create_token
from ledger.application import Ledger
from ledger.projections.engine.leadership import ProjectionRunner
from ledger.queries.filter_declarations import NotificationFilter
from ledger.queries.notifications import list_notifications
from ledger.settings import Settings
from ledger.storage.database import Database
from tests.builders import (
    NOON,
    OTHER_SHOP_ID,
    SHOP_ID,
    UUID,
    a_form_call,
    a_ledger,
    a_shop,
    receive,
    shops,
)
from web import create_app

AT = f"/api/v1/shops/{SHOP_ID}/test"
FOR_ALL = [
    f"{AT}/transactions/{UUID}",
    f"{AT}/transactions/{UUID}/history",
    f"{AT}/orders/CMD-2026-0001",
    f"{AT}/orders/CMD-2026-0001/history",
    "/api/v1/events",
    "/api/v1/events?details=true",
    "/api/v1/notifications",
    "/api/v1/notifications/{id}",
    "/api/v1/projections",
]
PERSONAL = ["/api/v1/notifications/{id}/raw", f"{AT}/events/1/evidence"]


@dataclass
class Asking:
    """The service in memory. `now` is the time of its requests; the ledger's own clock ticks on."""

    ledger: Ledger
    settings: Settings = field(default_factory=lambda: Settings(database_url="unused"))
    now: datetime = NOON
    is_stopping: Callable[[], bool] = lambda: False
    tokens: dict[Any, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.app = create_app(
            self.settings,
            self.ledger,
            clock=lambda: self.now,
            is_stopping=lambda: self.is_stopping(),
        )
        self.client: FlaskClient = self.app.test_client()

    def token(self, role: str, shops: tuple[str, ...] | None = None, **more: Any) -> str:
        """Return a token of this role, always the same."""
        key = (role, shops, tuple(more.items()))
        if key not in self.tokens:
            with self.ledger.database.begin() as connection:
                _, self.tokens[key] = create_token(
                    connection, name=f"a {role}", role=role, shops=shops, now=self.now, **more
                )
        return self.tokens[key]

    def call(
        self, path: str, role: str | None = "auditor", *, method: str = "GET", **more: Any
    ) -> TestResponse:
        """Ask. Shape: `role` None sends no token; `shops` limits the token to them."""
        headers = dict(more.pop("headers", {}))
        if role is not None:
            headers["Authorization"] = f"Bearer {self.token(role, more.pop('shops', None))}"
        return self.client.open(path, method=method, headers=headers, **more)

    def get(self, path: str, role: str | None = "auditor", **more: Any) -> Any:
        """Return the answer to a question that must not be refused."""
        response = self.call(path, role, **more)
        assert response.status_code == 200, response.text
        return response.get_json()

    def receive_a_payment(self) -> None:
        """Receive the payment of somebody whose name and address are known."""
        receive(self.ledger, a_form_call(cust_email="jo@example.org", cust_name="Jo Doe"))
        self.follow()

    def path_of(self, path: str) -> str:
        """Return a path with the id of the newest notification in it."""
        (row,) = list_notifications(self.ledger, NotificationFilter(), limit=1)
        return path.replace("{id}", row.id)

    def follow(self) -> None:
        """Bring every read model to the end of the log."""
        followers = ProjectionRunner(self.ledger)
        while followers.follow_once():
            pass


def with_a_payment(api: Asking) -> Asking:
    """Let the ledger know a payment that was authorised, and captured a second later."""
    receive(api.ledger, a_form_call("AUTHORISED"))
    receive(api.ledger, a_form_call("CAPTURED", source="BATCH"))
    return api


def asking(database: Database, **more: Any) -> Asking:
    return Asking(a_ledger(database, shops(a_shop(), a_shop(OTHER_SHOP_ID))), **more)
