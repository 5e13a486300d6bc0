"""A shops file is read again on SIGHUP; one that cannot be read changes nothing."""

import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from ledger.ipn.shops_and_keys import Shop
from tests.builders import a_form_call, a_shop
from tests.cli.running import shops_file
from tests.projections.helpers import eventually
from tests.serving import Service, serving

FORM = "application/x-www-form-urlencoded"


def with_secret(secret: str) -> Shop:
    shop = a_shop()
    return replace(shop, keys=tuple(replace(key, secret=secret) for key in shop.keys))


@pytest.fixture
def service(tmp_path: Path, sqlite_url: str) -> Iterator[Service]:
    """A service whose shops file has another key than the one that calls are signed with."""
    shops_path = shops_file(tmp_path, [with_secret("an older key")])
    with serving(tmp_path, sqlite_url, shops_path) as running:
        yield running


def answer(service: Service) -> str:
    line = service.call("POST", "/ipn", a_form_call(), **{"Content-Type": FORM})[1]
    return " ".join(line.split()[:2])


def test_a_new_key_counts_after_sighup(service: Service, tmp_path: Path) -> None:
    assert answer(service) == "KO signature-mismatch"
    shops_file(tmp_path)

    service.process.send_signal(signal.SIGHUP)

    eventually(lambda: answer(service).startswith("OK"))


def test_a_shops_file_that_cannot_be_read_does_not_stop_the_service(
    service: Service, tmp_path: Path
) -> None:
    service.shops_file.write_text("[[")

    service.process.send_signal(signal.SIGHUP)

    eventually(lambda: "shops_file.not_read" in service.log.read_text())
    assert "respawning workers" not in service.log.read_text()
    assert answer(service) == "KO signature-mismatch"
