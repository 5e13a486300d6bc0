"""The log in streams of real engines: every event once, in order, whatever happens."""

import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import nats
import orjson
import pytest

from ledger.application import Ledger
from ledger.errors import PositionAheadError
from ledger.publishing import publisher as publishing
from ledger.publishing.destination import (
    DestinationError,
    open_engine,
    read_address,
)
from ledger.publishing.publisher import Publisher
from tests.builders import a_form_call, a_ledger, receive
from tests.cli.running import run, shops_file
from tests.conftest import opened
from tests.projections.helpers import eventually
from tests.publishing.engines import ENGINES, Engine
from tests.serving import LEDGER
from tests.web.asking import Asking

EMAIL = "synthetic.person@example.org"


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    with ENGINES[request.param](tmp_path) as running:
        yield running


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publishing, "PAGE", 7)


def publish(ledger: Ledger, engine: Engine, **flags: bool) -> None:
    address = read_address(engine.address)
    with closing(open_engine(address)) as destination:
        publisher = Publisher(ledger, destination, address.name, "urn:synthetic", **flags)
        publisher.begin()
        for _ in publisher.pages():
            pass


def positions(engine: Engine) -> list[int]:
    return [int(orjson.loads(event)["id"]) for _, event in engine.entries()]


def positions_there(engine: Engine) -> list[int]:
    """Those of a stream that may not be made yet, in an engine that may be busy."""
    try:
        return positions(engine)
    except nats.errors.Error:
        return []


def positions_of(ledger: Ledger) -> list[int]:
    return [recorded.position for recorded in ledger.events.events_after(0, 100_000)]


def test_every_event_is_a_cloud_event_with_its_position(ledger: Ledger, engine: Engine) -> None:
    publish(ledger, engine)
    publish(ledger, engine)

    assert positions(engine) == positions_of(ledger)
    topic, body = engine.entries()[0]
    event = orjson.loads(body)
    assert event["specversion"] == "1.0"
    assert event["type"] == f"ipn-ledger.{event['data']['type']}"
    shop_id, mode = event["data"]["shop_id"], event["data"]["mode"]
    assert event["source"] == f"urn:synthetic/shops/{shop_id}/{mode}"
    assert topic == f"{shop_id}.{mode}.{event['data']['type']}"
    assert event["time"] == event["data"]["recorded_at"]


def test_two_publishers_at_once_do_no_harm(
    ledger: Ledger, engine: Engine, small_pages: None
) -> None:
    publishers = [threading.Thread(target=publish, args=(ledger, engine)) for _ in range(2)]
    for thread in publishers:
        thread.start()
    for thread in publishers:
        thread.join(60)

    publish(ledger, engine)
    assert positions(engine) == positions_of(ledger)


def test_a_server_that_is_killed_is_given_the_rest(
    ledger: Ledger, engine: Engine, small_pages: None
) -> None:
    with closing(open_engine(read_address(engine.address))) as destination:
        pages = Publisher(ledger, destination, "engine", "urn:synthetic").pages()
        next(pages)
        engine.restart()
        with suppress(DestinationError):  # a client that connects anew by itself has none
            list(pages)

    publish(ledger, engine)
    assert positions(engine) == positions_of(ledger)


def test_a_command_that_is_killed_goes_on_where_it_was(
    ledger: Ledger, engine: Engine, tmp_path: Path
) -> None:
    environ = {"LEDGER_DATABASE_URL": str(ledger.database.engine.url), "PATH": ""}
    command = [*LEDGER, "publish", engine.address, "--source", "urn:synthetic"]
    endings = {}
    for number, status in ((signal.SIGKILL, "AUTHORISED"), (signal.SIGTERM, "CAPTURED")):
        newest = receive(ledger, a_form_call(status)).positions[-1]
        process = subprocess.Popen(command, env=environ, cwd=tmp_path)
        try:
            eventually(lambda newest=newest: newest in positions_there(engine))
            process.send_signal(number)
            endings[number] = process.wait(20)
        finally:
            process.kill()
            process.wait(20)

    assert endings == {signal.SIGKILL: -signal.SIGKILL, signal.SIGTERM: 0}
    run_once = run(environ["LEDGER_DATABASE_URL"], None, "publish", engine.address, "--once")
    assert (run_once.exit_code, positions(engine)) == (0, positions_of(ledger))


@pytest.mark.parametrize("has_personal", [False, True])
def test_nothing_of_a_person_leaves_unless_it_is_asked_for(
    ledger: Ledger, engine: Engine, has_personal: bool
) -> None:
    receive(ledger, a_form_call(cust_email=EMAIL))

    publish(ledger, engine, has_personal=has_personal)

    assert (EMAIL.encode() in engine.entries()[-1][1]) == has_personal


def test_a_stream_that_has_more_than_the_ledger_is_refused(
    ledger: Ledger, engine: Engine, sqlite_url: str
) -> None:
    publish(ledger, engine)

    with opened(sqlite_url) as younger, pytest.raises(PositionAheadError):
        publish(a_ledger(younger), engine)


@pytest.mark.parametrize("address", ["kafka://127.0.0.1", "nats:", "127.0.0.1:4222"])
def test_another_address_is_refused_in_words(ledger: Ledger, tmp_path: Path, address: str) -> None:
    url = str(ledger.database.engine.url)

    refused = run(url, shops_file(tmp_path), "publish", address, "--once")

    assert refused.exit_code != 0
    assert "nats://HOST:4222" in refused.stderr


def test_metrics_say_how_far_a_stream_has_come(ledger: Ledger, engine: Engine) -> None:
    publish(ledger, engine)
    receive(ledger, a_form_call())
    newest = ledger.events.newest_position() or 0
    behind = newest - positions(engine)[-1]

    text = Asking(ledger).call("/metrics", None).text
    publish(ledger, engine)
    after = Asking(ledger).call("/metrics", None).text

    name = read_address(engine.address).name
    assert f'ledger_publishing_lag_positions{{destination="{name}"}} {behind}.0' in text
    assert f'ledger_publishing_lag_positions{{destination="{name}"}} 0.0' in after
    assert f'ledger_publishing_lag_seconds{{destination="{name}"}} 0.0' in after
