"""Each alert of `deploy/` is raised by a real fault, and by none besides."""

import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from ledger.asking.asker import OPERATOR, Asker
from ledger.instants import utc_now
from ledger.ipn.asking_access import AskingAccess
from ledger.proof.signer import LogSigner
from ledger.simulator.rest_services import RestServices
from ledger.storage.answers import AnswerOutcome
from ledger.storage.database import Database
from tests.asking.answering import about
from tests.asking.conftest import certificate, played_calls, services, tls
from tests.builders import SHOP_ID, a_shop, shops
from tests.cli.running import shops_file
from tests.deploy.alert_faults import FAULTS, Fault
from tests.deploy.prometheus import Samples, assert_fires, minutes_until, rules, samples_of
from tests.deploy.watched import Watched, a_while_ago
from tests.projections.helpers import eventually
from tests.serving import Service, serving

__all__ = ["certificate", "played_calls", "services", "tls"]

BY_TESTS_OF_THEIR_OWN = {"LedgerDown", "LedgerAskingStopped"}


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def watched(
    database: Database,
    signer: LogSigner,
    tmp_path: Path,
    stack: ExitStack,
    request: pytest.FixtureRequest,
) -> Watched:
    at = getattr(request, "param", a_while_ago)
    return Watched(database, signer, tmp_path, stack, at())


def test_each_alert_has_its_fault() -> None:
    raised = {fault.alert for fault in FAULTS} | BY_TESTS_OF_THEIR_OWN

    assert raised == {rule["alert"] for rule in rules()}


def test_a_ledger_that_is_well_raises_none(watched: Watched) -> None:
    usual = watched.scrape()

    assert_fires(watched.folder, usual, usual, watched.api.now.timestamp(), 60)


@pytest.mark.parametrize(
    ("database_url", "watched", "fault"),
    [pytest.param(each.database, each.clock, each, id=each.alert) for each in FAULTS],
    indirect=["database_url", "watched"],
)
def test_a_real_fault_raises_its_alert_alone(watched: Watched, fault: Fault) -> None:
    usual = watched.scrape()

    fault.bring(watched)

    assert_raised(watched, usual, fault.alert)


def assert_raised(watched: Watched, usual: Samples, alert: str) -> None:
    faulty, ended_at = watched.scrape(), watched.api.now.timestamp()
    assert_fires(watched.folder, usual, faulty, ended_at, minutes_until(alert), alert)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_refused_password_raises_its_alert_alone(
    watched: Watched, services: RestServices, certificate: Path
) -> None:
    wrong = AskingAccess(SHOP_ID, "TEST", services.host, "wrong", authorities_file=certificate)
    watched.ledger.shops = shops(replace(a_shop(), asking=(wrong,)))
    usual = watched.scrape()

    asker = Asker(watched.ledger, clock=lambda: watched.api.now)
    answer = asker.ask(wrong, about(), cause=OPERATOR).answer
    watched.keep_up()

    assert answer is not None
    assert answer.outcome is AnswerOutcome.REFUSED
    assert_raised(watched, usual, "LedgerAskingStopped")


def answers(service: Service) -> bool:
    try:
        return service.call("GET", "/metrics")[0] == 200
    except OSError:
        return False


def test_a_service_that_is_gone_raises_its_alert_alone(tmp_path: Path, sqlite_url: str) -> None:
    with serving(tmp_path, sqlite_url, shops_file(tmp_path)) as service:
        up = f'up{{job="ledger",instance="127.0.0.1:{service.port}"}}'
        usual = samples_of(service.call("GET", "/metrics")[1]) | {up: 1.0}
        os.killpg(service.process.pid, signal.SIGKILL)
        eventually(lambda: not answers(service))

    assert_fires(
        tmp_path, usual, {up: 0.0}, utc_now().timestamp(), minutes_until("LedgerDown"), "LedgerDown"
    )
