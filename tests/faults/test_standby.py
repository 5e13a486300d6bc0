"""A service before a hot standby: it reads, never past what is complete, and writes nothing."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import sleep
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, text
from sqlalchemy.exc import InternalError
from structlog.testing import capture_logs

from ledger.access.tokens import create_token
from ledger.application import Ledger
from ledger.cli.serve import prepare_database
from ledger.errors import ReadOnlyError
from ledger.projections.engine.leadership import ProjectionRunner, prepare_views
from ledger.projections.engine.registry import PROJECTIONS
from ledger.proof.checkpoints import sign_checkpoint
from ledger.proof.runner import LogRunner
from ledger.proof.signer import LogSigner
from ledger.settings import Settings
from ledger.storage.database_errors import is_read_only
from ledger.storage.event_recorder import EventRecorder
from ledger.storage.migrations import migrate
from ledger.storage.read_only import MEANING
from ledger.storage.tables import events
from tests.builders import (
    NOON,
    a_form,
    a_ledger,
    a_shop,
    form_body,
    receive,
    share_index_key,
    shops,
)
from tests.cli.running import run, shops_file
from tests.conftest import opened
from tests.faults.cluster import Cluster, a_folder, end, running
from tests.projections.helpers import eventually
from web import create_app
from web.readiness import LOOK_SECONDS

ANOTHER_STREAM = text(
    "INSERT INTO events (originator_id, originator_version, topic, state, origin_id, details, part)"
    " SELECT gen_random_uuid(), 1, topic, state, origin_id, details, part FROM events"
    " WHERE position = 1 RETURNING position"
)
"""What a writer adds to the log, as far as those see it who read it in order."""
TOKEN_ROLES = ("auditor", "operator")


@dataclass
class Pair:
    """A primary and its standby, a ledger on each, what follows, and a token of each role."""

    standby_cluster: Cluster
    followers: ProjectionRunner
    primary: Ledger
    standby: Ledger
    tokens: dict[str, str]

    @property
    def client(self) -> FlaskClient:
        app = create_app(Settings(), self.standby)
        return app.test_client()

    def headers(self, role: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.tokens[role]}"}


@pytest.fixture(scope="module")
def pair() -> Iterator[Pair]:
    """One event is in the log, and a hot standby follows the primary."""
    with a_folder() as place, running(Cluster(place, "first")) as cluster:
        standby = Cluster(place, "second")
        with opened(cluster.url()) as database:
            migrate(database)
            share_index_key(database)
            prepare_views(database)
            with database.begin() as connection:
                tokens = {
                    role: create_token(connection, name=role, role=role, shops=None, now=NOON)[1]
                    for role in TOKEN_ROLES
                }
            primary = a_ledger(database, shops(a_shop()))
            assert receive(primary, form_body(a_form())).outcome == "recorded"
            with standby_of(standby, cluster), opened(standby.url()) as copy:
                copied = a_ledger(copy, shops(a_shop()))
                eventually(lambda: newest(copied) == newest(primary))
                yield Pair(standby, ProjectionRunner(primary), primary, copied, tokens)


@contextmanager
def standby_of(standby: Cluster, cluster: Cluster) -> Iterator[None]:
    try:
        standby.begin_as_standby_of(cluster)
        yield
    finally:
        end(standby)


def newest(ledger: Ledger) -> int:
    return ledger.events.newest_position() or 0


def test_the_feed_of_a_standby_never_passes_a_position_that_may_still_be_filled(
    pair: Pair,
) -> None:
    followers, client = pair.followers, pair.client
    first = newest(pair.primary)
    followers.follow_once()
    eventually(lambda: feed(pair, client)[0] == list(range(1, first + 1)))

    with pair.primary.database.begin() as held:
        slow = held.execute(ANOTHER_STREAM).scalar_one()
        with pair.primary.database.begin() as connection:
            fast = connection.execute(ANOTHER_STREAM).scalar_one()
        followers.follow_once()
        eventually(lambda: newest(pair.standby) == fast)

        positions, known = feed(pair, client)
        assert (slow, fast) == (first + 1, first + 2)
        assert (max(positions), known) == (first, first)
        assert pair.standby.events.high_water_mark(after=0) == first
        assert lists_stand_at(pair, client) <= first

    followers.follow_once()
    eventually(lambda: feed(pair, client)[0] == list(range(1, fast + 1)))
    assert feed(pair, client, after=fast + 50) == ([], fast + 50)  # the primary may be there


def test_a_feed_read_live_from_a_standby_misses_nothing(pair: Pair) -> None:
    """A long log is for a night: `LEDGER_TEST_STANDBY_EVENTS` says how many events."""
    followers, start = pair.followers, newest(pair.primary)
    reader = EventRecorder(pair.standby.database)
    count = int(os.environ.get("LEDGER_TEST_STANDBY_EVENTS", "400"))

    def write(number: int) -> None:
        for event in range(number, count, WRITERS):
            with pair.primary.database.begin() as connection:
                connection.execute(ANOTHER_STREAM)
                sleep(event % 3 / 1000)  # who draws a position first does not commit first

    with ThreadPoolExecutor(WRITERS) as writers:
        writing = [writers.submit(write, number) for number in range(WRITERS)]
        shown: list[int] = []
        while not all(each.done() for each in writing):
            followers.follow_once()
            shown += read_after(reader, shown[-1] if shown else start)
        for each in writing:
            each.result()
    followers.follow_once()
    eventually(lambda: newest(pair.standby) == newest(pair.primary))
    while page := read_after(reader, shown[-1] if shown else start):
        shown += page

    assert shown == positions_after(pair.primary, start)
    assert len(shown) == count


WRITERS = 8


def read_after(reader: EventRecorder, position: int) -> list[int]:
    """Return the next positions, as the feed reads them."""
    entries = reader.select_notifications(position, 500, inclusive_of_start=False)
    return [entry.id for entry in entries]


def positions_after(ledger: Ledger, start: int) -> list[int]:
    query = select(events.c.position).where(events.c.position > start)
    with ledger.database.connect() as connection:
        return list(connection.scalars(query.order_by(events.c.position)))


def feed(pair: Pair, client: FlaskClient, after: int = 0) -> tuple[list[int], int]:
    """Return the positions that a reader is shown, and up to which the log is said to go."""
    address = f"/api/v1/events?after={after}&limit=100"
    answer = client.get(address, headers=pair.headers("auditor"))
    assert answer.status_code == 200, answer.text
    body = answer.get_json()
    return [item["position"] for item in body["items"]], body["newest_position"]


def lists_stand_at(pair: Pair, client: FlaskClient) -> int:
    answer = client.get("/api/v1/transactions", headers=pair.headers("auditor"))
    assert answer.status_code == 200, answer.text
    return int(answer.get_json()["as_of_position"])


def test_a_service_on_a_standby_reads_and_says_what_it_does_not(pair: Pair, tmp_path: Path) -> None:
    client, url = pair.client, pair.standby_cluster.url()

    ready, people = client.get("/readyz"), client.get("/readyz/pages")
    called = client.post("/ipn", data=form_body(a_form()), content_type=FORM)
    personal = client.get("/api/v1/events?details=true", headers=pair.headers("operator"))
    commands = {
        words: run(url, shops_file(tmp_path), *words.split())
        for words in ("rebuild transactions", "projections prune", "check")
    }

    assert (ready.status_code, ready.get_json()["checks"]["writing"]) == (503, "standby")
    assert people.status_code == 200, people.text
    assert (called.status_code, called.text) == (503, "KO read-only")
    assert (personal.status_code, personal.get_json()["code"]) == (503, "read-only")
    assert "has to be logged" in personal.get_json()["detail"]
    for words in ("rebuild transactions", "projections prune"):
        assert commands[words].exit_code == 2
        assert "the database can only be read: it is a standby" in commands[words].stderr
    assert "ok      database    the database can only be read: it" in commands["check"].stdout
    assert prepare_database(pair.standby.database) == "standby"


FORM = "application/x-www-form-urlencoded"


def test_whoever_writes_waits_on_a_standby_and_goes_on_once_it_is_the_primary(
    pair: Pair, signer: LogSigner
) -> None:
    log_runner = LogRunner(pair.standby, signer)
    with pytest.raises(ReadOnlyError):
        sign_checkpoint(pair.standby.database, signer, lambda: NOON)
    with pytest.raises(InternalError) as refusal:
        log_runner.run_once(must_sign=True)
    assert is_read_only(refusal.value)
    assert signer.last_note() is None

    with following(pair.standby) as (followers, lines):
        eventually(lambda: "followers.waiting" in [line["event"] for line in lines])
        client = pair.client
        pair.standby_cluster.promote()

        eventually(lambda: client.get("/readyz").status_code == 200, seconds=4 * LOOK_SECONDS)
        eventually(lambda: len(followers.held) == len(PROJECTIONS))
        reasons = [line["reason"] for line in lines if line["event"] == "followers.waiting"]
    log_runner.run_once(must_sign=True)

    assert reasons == [MEANING]  # once, however often it tried
    assert signer.last_note() is not None


@contextmanager
def following(ledger: Ledger) -> Iterator[tuple[ProjectionRunner, list[Any]]]:
    """Let followers run. Shape: they, and the lines of their log."""
    with capture_logs() as lines:
        followers = ProjectionRunner(ledger, pause_seconds=0.05)
        followers.start()
        try:
            yield followers, lines  # type: ignore[misc]  # lines are dicts
        finally:
            followers.stop()
