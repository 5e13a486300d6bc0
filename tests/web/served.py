"""A service like the real one, with real worker processes, before a ledger that is slow on demand.

Run as a program: `python -m tests.web.served PORT WORKERS DATABASE DRAIN_SECONDS`.
"""

import os
import sys
import time
from dataclasses import dataclass
from tempfile import TemporaryDirectory

import structlog
from flask import Flask

from ledger.ipn.delivery import Delivery
from ledger.operations import logs
from ledger.operations.web_server import IsStopping, WebServer
from ledger.operations.wsgi_calls import Bounds
from ledger.settings import Settings
from ledger.storage.database import Database
from tests.web.fakes import FakeLedger, FakeReceipt


@dataclass
class SlowLedger(FakeLedger):
    def receive(self, delivery: Delivery) -> FakeReceipt:
        if delivery.body.startswith(b"slow"):
            structlog.get_logger("served").info("slow")
            time.sleep(1.5)
        return FakeReceipt(delivery.id, shop_id=str(os.getpid()))


def build(is_stopping: IsStopping) -> Flask:
    from web import create_app

    ledger = SlowLedger(database=Database(sys.argv[3]))
    settings = Settings(log_format="json")
    return create_app(settings, ledger, is_stopping=is_stopping)  # type: ignore[arg-type]  # a fake


if __name__ == "__main__":
    logs.configure("json")
    with TemporaryDirectory() as directory:
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = directory
        port, workers, drain = int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[4])
        bounds = Bounds(threads=4, reserved_paths=("/ipn",))
        WebServer("127.0.0.1", port, workers=workers, bounds=bounds, drain_seconds=drain).run(build)
