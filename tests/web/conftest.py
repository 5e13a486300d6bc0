"""The real application before a ledger that answers what a test tells it to."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from ledger.settings import Settings
from tests.web.fakes import NOW, FakeLedger
from web import create_app


@pytest.fixture
def ledger() -> FakeLedger:
    return FakeLedger()


@pytest.fixture
def make_app(ledger: FakeLedger) -> Callable[..., Flask]:
    def make(**settings: Any) -> Flask:
        return create_app(Settings(**settings), ledger, clock=lambda: NOW)

    return make


@pytest.fixture
def client(make_app: Callable[..., Flask]) -> FlaskClient:
    return make_app().test_client()
