"""Where a call came from, and which senders are allowed."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from structlog.testing import capture_logs

from ledger.settings import read_settings
from tests.conftest import opened
from tests.web.calling import BODY, post
from tests.web.fakes import FakeLedger
from web.addresses import network_of, site_of

PLATFORM = "194.50.38.7"


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[FakeLedger]:
    with opened(f"sqlite:///{tmp_path}/ledger.sqlite") as database:
        yield FakeLedger(database=database)


@pytest.fixture
def behind_proxy(make_app: Callable[..., Flask]) -> FlaskClient:
    settings = read_settings({"LEDGER_TRUSTED_PROXIES": "10.0.0.0/8 fd00::/8"})
    return make_app(trusted_proxies=settings.trusted_proxies).test_client()


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("10.0.0.1", PLATFORM, PLATFORM),
        ("10.0.0.1", f"6.6.6.6, {PLATFORM}", PLATFORM),
        ("10.0.0.1", f"{PLATFORM}, 6.6.6.6", "6.6.6.6"),
        ("10.0.0.1", f"6.6.6.6, {PLATFORM}, 10.0.0.2", PLATFORM),
        ("10.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.3"),
        ("10.0.0.1", None, "10.0.0.1"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1", "unknown", "10.0.0.1"),
        ("10.0.0.1", f"{PLATFORM}, unknown", "10.0.0.1"),
        ("10.0.0.1", f"{PLATFORM}:4711", PLATFORM),
        ("10.0.0.1", "[2001:db8::1]:4711", "2001:db8::1"),
        ("::ffff:10.0.0.1", f"::ffff:{PLATFORM}", PLATFORM),
        ("fd00::1", PLATFORM, PLATFORM),
        ("6.6.6.6", PLATFORM, "6.6.6.6"),
        ("", PLATFORM, ""),
    ],
)
def test_the_forwarded_address_is_believed_only_from_trusted_proxies(
    behind_proxy: FlaskClient, ledger: FakeLedger, peer: str, forwarded: str | None, client: str
) -> None:
    headers = {} if forwarded is None else {"X-Forwarded-For": forwarded}

    post(behind_proxy, headers=headers, environ_overrides={"REMOTE_ADDR": peer})

    assert ledger.deliveries[0].peer == client


@pytest.mark.parametrize(
    ("address", "network", "site"),
    [
        ("192.0.2.7", "192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64", "2001:db8:1::/48"),
        ("[2001:db8:1:2::1]:443", "2001:db8:1:2::/64", "2001:db8:1::/48"),
        ("fe80::1%eth0", "fe80::/64", "fe80::/48"),
        ("unknown", "unknown", "unknown"),
    ],
)
def test_callers_are_counted_by_what_each_has_for_certain(
    address: str, network: str, site: str
) -> None:
    assert (network_of(address), site_of(address)) == (network, site)


@pytest.mark.parametrize(
    ("peer", "status"), [(PLATFORM, 200), ("6.6.6.6", 400), ("", 400), ("2001:db8::1", 400)]
)
def test_a_sender_outside_the_allowed_ranges_is_kept_and_refused(
    make_app: Callable[..., Flask], ledger: FakeLedger, peer: str, status: int
) -> None:
    settings = read_settings({"LEDGER_ALLOWED_SOURCES": "194.50.38.0/24"})
    client = make_app(allowed_sources=settings.allowed_sources).test_client()

    headers = {"X-Forwarded-For": PLATFORM}
    response = post(client, headers=headers, environ_overrides={"REMOTE_ADDR": peer})

    assert response.status_code == status
    assert ledger.bodies == [BODY]
    if status == 400:
        assert response.text == "KO source-not-allowed"


# -- a proxy that is not believed ---------------------------------------------------------------


def calls_through_proxies(client: FlaskClient) -> dict[str, float]:
    """How many calls the metrics count, by whether the peer is inside or not."""
    text = client.get("/metrics").text
    line = re.compile(r'ledger_untrusted_proxy_calls_total\{peer="(\w+)"\} ([0-9.]+)')
    return {match[1]: float(match[2]) for match in line.finditer(text)}


@pytest.mark.parametrize(
    ("peer", "headers", "proxy"),
    [
        ("172.18.0.1", {"X-Forwarded-For": PLATFORM}, "172.18.0.1"),
        ("127.0.0.1", {"X-Forwarded-For": PLATFORM}, "127.0.0.1"),
        ("::1", {"Forwarded": f"for={PLATFORM}"}, "::1"),
        ("::ffff:192.168.0.9", {"X-Real-IP": PLATFORM}, "192.168.0.9"),
        ("10.0.0.1", {"Forwarded": f"for={PLATFORM}"}, "10.0.0.1"),  # trusted, but not read
        ("10.0.0.1", {"X-Forwarded-For": PLATFORM, "Forwarded": f"for={PLATFORM}"}, None),
        ("10.0.0.1", {"X-Forwarded-For": "10.0.0.1"}, None),
        ("172.18.0.1", {"X-Forwarded-For": " "}, None),
        ("172.18.0.1", {}, None),
        ("", {"X-Forwarded-For": PLATFORM}, None),
    ],
)
def test_a_proxy_that_is_not_believed_is_told_once(
    make_app: Callable[..., Flask], peer: str, headers: dict[str, str], proxy: str | None
) -> None:
    trusted = read_settings({"LEDGER_TRUSTED_PROXIES": "10.0.0.0/8"}).trusted_proxies
    client = make_app(trusted_proxies=trusted).test_client()

    with capture_logs() as logs:
        for _ in range(3):
            post(client, headers=headers, environ_overrides={"REMOTE_ADDR": peer})

    named = [line["peer"] for line in logs if line["event"] == "proxy.not_trusted"]
    assert named == ([] if proxy is None else [proxy])
    assert calls_through_proxies(client)["private"] == (0 if proxy is None else 3)


def test_strangers_who_claim_to_be_proxies_do_not_fill_the_log(client: FlaskClient) -> None:
    with capture_logs() as logs:
        for number in range(200):
            claim = {"REMOTE_ADDR": f"8.8.{number}.8"}
            post(client, headers={"X-Forwarded-For": PLATFORM}, environ_overrides=claim)
        inside = {"REMOTE_ADDR": "172.18.0.1"}
        post(client, headers={"X-Forwarded-For": PLATFORM}, environ_overrides=inside)

    named = [line["peer"] for line in logs if line["event"] == "proxy.not_trusted"]
    assert len(named) <= 33
    assert named[-1] == "172.18.0.1", "and do not hide the real one"
    assert "8.8.0.8" not in str(named), "where a stranger is, not who"
    assert calls_through_proxies(client) == {"public": 200, "private": 1}
