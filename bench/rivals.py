"""Other ways to receive the same calls behind the same server: what the ledger is measured against.

`python -m bench.rivals ARM --port N --workers N --threads N` serves one of them; the database and
the shops are told by the environment, as to `ledger serve`.
"""

import argparse
import hmac
import os
import threading
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

import orjson
import psycopg
from flask import Flask, request
from sqlalchemy import Column, MetaData, Table, Text, make_url
from sqlalchemy.dialects import postgresql, sqlite

from bench import library
from ledger.application import Ledger
from ledger.ipn.delivery import Delivery, Limits, Notification
from ledger.ipn.parse import read
from ledger.ipn.shops_and_keys import Shops, read_shops
from ledger.operations.web_server import WebServer
from ledger.operations.wsgi_calls import Bounds
from ledger.recording.receipt import Receipt
from ledger.settings import Settings, read_settings
from ledger.storage.database import Database
from ledger.storage.outcomes import Outcome
from web import create_app

Keep = Callable[[Notification], None]


class Rival(Ledger):
    """Reads and verifies as the ledger does, and keeps what it verified in another way."""

    def __init__(self, settings: Settings, shops: Shops, database: Database, keep: Keep) -> None:
        super().__init__(settings, shops, database)
        self._keep_it = keep

    def receive(self, delivery: Delivery) -> Receipt:
        with self._reading():
            notification, _ = read(delivery, self.shops, Limits())
        self._keep_it(notification)
        return Receipt(delivery.id, Outcome.RECORDED, None, notification.format)


def noop(_state: Any) -> Flask:
    """The limit of the web side: nothing is kept."""
    return _app(lambda _: None)


def insert(_state: Any) -> Flask:
    """The limit of one call at a time: one raw INSERT and COMMIT through the driver."""
    held = threading.local()
    url = _plain_url()

    def keep(notification: Notification) -> None:
        if not hasattr(held, "connection"):
            held.connection = psycopg.connect(url, autocommit=True)
        row = (notification.signed_tag, notification.delivery.body)
        held.connection.execute("INSERT INTO bench_rows (digest, body) VALUES (%s, %s)", row)

    return _app(keep)


def upsert(_state: Any) -> Flask:
    """What most merchants write: Flask, SQLAlchemy, one row per payment, the newest call wins."""
    payments = Table(
        "bench_payments",
        MetaData(),
        Column("id", Text, primary_key=True),
        Column("status", Text),
        Column("body", Text),
    )
    database = Database(_settings().database_url)
    dialect = sqlite if database.is_sqlite else postgresql
    with database.begin() as connection:
        payments.create(connection, checkfirst=True)
    app = Flask(__name__)

    @app.post("/ipn")
    def receive() -> str:
        fields = _verified()
        values = {
            "id": _payment(fields),
            "status": fields.get("vads_trans_status"),
            "body": _text(),
        }
        statement = dialect.insert(payments).values(values)
        news = {name: statement.excluded[name] for name in ("status", "body")}
        with database.begin() as connection:
            connection.execute(statement.on_conflict_do_update(index_elements=["id"], set_=news))
        return "OK"

    return app


def library_recorder(_state: Any) -> Flask:
    """An event-sourced application on the library's own recorder for the database."""
    payments = library.payments(_settings().database_url)
    app = Flask(__name__)

    @app.post("/ipn")
    def receive() -> str:
        fields = _verified()
        payments.save(library.Payment(_payment(fields), fields))
        return "OK"

    return app


ARMS: dict[str, Callable[[Any], Flask]] = {
    "noop": noop,
    "insert": insert,
    "upsert": upsert,
    "library": library_recorder,
}


def _app(keep: Keep) -> Flask:
    settings = _settings()
    return create_app(settings, Rival(settings, _shops(), Database(settings.database_url), keep))


def _settings() -> Settings:
    return read_settings(os.environ)


def _shops() -> Shops:
    file = _settings().shops_file
    assert file is not None
    return read_shops(file, os.environ)


def _plain_url() -> str:
    url = make_url(_settings().database_url).set(drivername="postgresql")
    return url.render_as_string(hide_password=False)


def _text() -> str:
    return request.get_data(cache=True, as_text=True)


def _verified() -> dict[str, str]:
    """A call's fields; a signature of the right cost is computed, whatever it says."""
    fields = dict(parse_qsl(_text(), keep_blank_values=True))
    answer = fields.get("kr-answer")
    signed = answer or "+".join(fields[name] for name in sorted(fields) if name.startswith("vads_"))
    hmac.digest(b"bench", signed.encode(), "sha256")
    return fields


def _payment(fields: dict[str, str]) -> str:
    answer = fields.get("kr-answer")
    if answer is None:
        return fields.get("vads_trans_uuid") or fields.get("vads_trans_id", "")
    transactions = orjson.loads(answer).get("transactions") or [{}]
    return str(transactions[0].get("uuid", ""))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("arm", choices=ARMS)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--workers", type=int, required=True)
    parser.add_argument("--threads", type=int, required=True)
    arguments = parser.parse_args()
    bounds = Bounds(arguments.threads, reserved_paths=("/ipn",))
    server = WebServer("127.0.0.1", arguments.port, workers=arguments.workers, bounds=bounds)
    server.run(ARMS[arguments.arm])


if __name__ == "__main__":
    main()
