"""Events by webhook: signed, in order, again under the same id, until the receiver has them all."""

import shutil
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from ledger.application import Ledger
from ledger.cli.destinations import destination_findings
from ledger.operations.standard_webhooks import signed_headers
from ledger.publishing.destination import (
    DestinationBusyError,
    DestinationDisabledError,
    DestinationError,
    read_address,
)
from ledger.publishing.endpoint import Endpoint
from ledger.publishing.publisher import Publisher
from ledger.publishing.standing import enable, replay, standing_of
from ledger.storage.destination_tables import destinations
from tests.builders import NOON, a_form_call, a_ledger, receive
from tests.cli.running import run, shops_file
from tests.conftest import opened
from tests.projections.helpers import eventually
from tests.publishing.receiving import KEY, SECRET, HookServer, receiving
from tests.serving import LEDGER
from tests.web.asking import Asking

EMAIL = "synthetic.person@example.org"
NAME = "accounting"


@pytest.fixture
def ledger(stories_file: Path, tmp_path: Path) -> Iterator[Ledger]:
    """One that has heard every story."""
    path = tmp_path / "ledger.sqlite"
    shutil.copyfile(stories_file, path)
    with opened(f"sqlite:///{path}") as database:
        yield a_ledger(database)


@pytest.fixture
def hooks() -> Iterator[HookServer]:
    with receiving() as server:
        yield server


class Sender:
    """Publishes to one receiver at an hour that a test sets."""

    def __init__(self, ledger: Ledger, hooks: HookServer) -> None:
        self.ledger, self.hooks, self.now = ledger, hooks, NOON

    def endpoint(self) -> Endpoint:
        return Endpoint(self.ledger.database, NAME, self.hooks.url, (SECRET,), now=lambda: self.now)

    def publish(self, **flags: bool) -> None:
        with closing(self.endpoint()) as endpoint:
            publisher = Publisher(self.ledger, endpoint, NAME, "urn:synthetic", **flags)
            publisher.begin()
            for _ in publisher.pages():
                pass

    def fails(self) -> str:
        with pytest.raises(DestinationError) as refusal:
            self.publish()
        return str(refusal.value)

    @property
    def positions(self) -> list[int]:
        return [each.position for each in self.ledger.events.events_after(0, 100_000)]

    @property
    def position(self) -> int:
        with self.ledger.database.connect() as connection:
            standing = standing_of(connection, NAME)
        assert standing is not None
        return standing.position


@pytest.fixture
def sender(ledger: Ledger, hooks: HookServer) -> Sender:
    return Sender(ledger, hooks)


def test_a_signature_is_that_of_the_public_test_vector() -> None:
    """Source: the tests of the libraries of Standard Webhooks."""
    at = datetime.fromtimestamp(1614265330, UTC)
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

    headers = signed_headers((secret,), "msg_p5jXN8AQM9LWM0D4loKWxJek", at, b'{"test": 2432232314}')

    assert headers == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


def test_every_event_comes_signed_and_in_order_over_one_connection(sender: Sender) -> None:
    sender.publish()
    sender.publish()

    calls = sender.hooks.calls
    assert [call.position for call in calls] == sender.positions
    assert len(sender.hooks.ports) == 1
    for call in calls:
        assert call.headers["webhook-signature"] == call.signatures(KEY)
        assert call.headers["webhook-timestamp"] == str(int(NOON.timestamp()))
        assert call.headers["content-type"] == "application/cloudevents+json"
        assert call.event["id"] == call.headers["webhook-id"]
        assert call.event["specversion"] == "1.0"


def test_while_a_secret_replaces_another_both_sign(ledger: Ledger, hooks: HookServer) -> None:
    older = "whsec_YW4gb2xkZXIgc3ludGhldGljIGtleSBvZiAzMiBiLg=="
    both = (SECRET, older)
    with closing(Endpoint(ledger.database, NAME, hooks.url, both)) as endpoint:
        publisher = Publisher(ledger, endpoint, NAME, "urn:synthetic")
        endpoint.send_again(publisher.message_at(1))

    (call,) = hooks.calls
    signatures = call.headers["webhook-signature"].split()
    assert signatures == [
        call.signatures(KEY),
        call.signatures(b"an older synthetic key of 32 b."),
    ]


def test_what_is_not_taken_is_tried_again_later_and_nothing_passes_it(sender: Sender) -> None:
    first, second, *_ = sender.positions
    sender.hooks.next_statuses = [204, 500, 503]

    said = sender.fails()
    waiting = sender.fails()  # not sent: it is not time yet
    sender.now += timedelta(seconds=7)
    sender.fails()
    sender.now += timedelta(seconds=7)
    sender.fails()  # a pause twice as long
    sender.now += timedelta(seconds=6)
    sender.publish()

    assert "answered 500 to the event at position 2; failing since" in said
    assert waiting == said
    assert [call.position for call in sender.hooks.calls[:4]] == [first, second, second, second]
    assert sender.hooks.taken == sender.positions
    timestamps = {call.headers["webhook-timestamp"] for call in sender.hooks.calls[1:4]}
    assert len(timestamps) == 3  # that of the try, as the specification says


def test_a_receiver_may_ask_for_a_longer_pause(sender: Sender) -> None:
    sender.hooks.next_statuses, sender.hooks.headers = [429], {"Retry-After": "600"}
    sender.fails()
    sender.now += timedelta(seconds=599)
    sender.fails()
    sender.now += timedelta(seconds=1)
    sender.publish()

    assert [call.position for call in sender.hooks.calls[:2]] == [1, 1]
    assert sender.hooks.taken == sender.positions


@pytest.mark.parametrize("status", [302, 400, 404])
def test_no_redirect_is_followed_and_a_refusal_is_a_failure(sender: Sender, status: int) -> None:
    sender.hooks.status, sender.hooks.headers = status, {"Location": sender.hooks.url}

    assert f"answered {status}" in sender.fails()
    assert len(sender.hooks.calls) == 1


def test_a_receiver_that_is_not_there_is_tried_again(sender: Sender) -> None:
    with receiving() as gone:
        pass
    there, sender.hooks = sender.hooks, gone
    assert "cannot be reached: ConnectionRefusedError" in sender.fails()

    sender.hooks, sender.now = there, NOON + timedelta(minutes=1)
    sender.publish()
    assert there.taken == sender.positions


def test_gone_disables_at_once_and_an_operator_enables_again(sender: Sender) -> None:
    sender.hooks.next_statuses = [204, 410]
    said = sender.fails()
    sender.now += timedelta(days=30)
    with pytest.raises(DestinationDisabledError):
        sender.publish()
    (finding,) = destination_findings(sender.ledger.database)

    assert "disabled since" in said
    assert len(sender.hooks.calls) == 2
    assert (finding.state, finding.subject) == ("fault", "publishing")
    assert "ledger destinations enable accounting" in finding.message
    with sender.ledger.database.begin() as connection:
        enable(connection, NAME)
    sender.publish()
    assert sender.hooks.taken == sender.positions


def test_what_fails_for_five_days_is_disabled(sender: Sender) -> None:
    sender.hooks.status = 500
    for _ in range(10):
        sender.fails()
        sender.now += timedelta(hours=12)
        (failing,) = destination_findings(sender.ledger.database)
    assert failing.state == "warning"
    sender.fails()

    (finding,) = destination_findings(sender.ledger.database)
    assert (finding.state, len(sender.hooks.calls)) == ("fault", 11)


def test_metrics_say_how_far_behind_and_what_is_disabled(sender: Sender) -> None:
    sender.hooks.next_statuses = [204, 410]
    sender.fails()

    text = Asking(sender.ledger).call("/metrics", None).text

    behind = len(sender.positions) - 1
    assert f'ledger_publishing_lag_positions{{destination="{NAME}"}} {behind}.0' in text
    assert f'ledger_publishing_disabled{{destination="{NAME}"}} 1.0' in text
    assert f'ledger_publishing_failures{{destination="{NAME}"}} 1.0' in text
    assert f'ledger_publishing_lag_seconds{{destination="{NAME}"}} 0.0' not in text


def test_events_are_replayed_from_a_position_under_their_ids(sender: Sender) -> None:
    sender.publish()
    sender.hooks.calls.clear()
    with sender.ledger.database.begin() as connection:
        replay(connection, NAME, 3)

    sender.publish()

    assert sender.hooks.taken == sender.positions[2:]


def test_a_replay_that_is_asked_for_meanwhile_is_not_passed_over(sender: Sender) -> None:
    with closing(sender.endpoint()) as endpoint:
        publisher = Publisher(sender.ledger, endpoint, NAME, "urn:synthetic")
        publisher.begin()
        endpoint.append(0, [publisher.message_at(each) for each in (1, 2, 3)])
        with sender.ledger.database.begin() as connection:
            replay(connection, NAME, 2)
        endpoint.append(3, [publisher.message_at(4)])

    assert sender.hooks.taken == [1, 2, 3]
    sender.publish()
    assert sender.hooks.taken == [1, 2, 3, *sender.positions[1:]]


def test_two_at_once_take_turns(sender: Sender) -> None:
    with closing(sender.endpoint()) as first:
        publisher = Publisher(sender.ledger, first, NAME, "urn:synthetic")
        publisher.begin()
        first.append(0, [publisher.message_at(1)])
        with pytest.raises(DestinationBusyError):
            sender.publish()
    sender.publish()  # at once, since the first has ended

    assert sender.hooks.taken == sender.positions


def test_many_at_once_lose_nothing_and_pass_nothing_over(sender: Sender) -> None:
    def publish() -> None:
        for _ in range(20):
            try:
                sender.publish()
            except DestinationBusyError:
                continue
            return

    threads = [threading.Thread(target=publish) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    sender.publish()
    assert sender.hooks.taken == sender.positions


@pytest.mark.parametrize("has_personal", [False, True])
def test_nothing_of_a_person_leaves_unless_it_is_asked_for(
    sender: Sender, has_personal: bool
) -> None:
    receive(sender.ledger, a_form_call(cust_email=EMAIL))

    sender.publish(has_personal=has_personal)

    assert (EMAIL.encode() in sender.hooks.calls[-1].body) == has_personal


def test_a_lost_answer_is_sent_again_under_the_same_id(sender: Sender) -> None:
    """As when a process is killed between the receiver's answer and the note of it."""
    sender.publish()
    newest = sender.positions[-1]
    with sender.ledger.database.begin() as connection:
        connection.execute(update(destinations).values(position=newest - 1))

    sender.publish()

    again = [call for call in sender.hooks.calls if call.position == newest]
    assert len(again) == 2
    assert again[0].body == again[1].body


def environ_of(ledger: Ledger) -> dict[str, str]:
    url = str(ledger.database.engine.url)
    return {"LEDGER_DATABASE_URL": url, "PATH": "", "LEDGER_PUBLISH_SECRET": SECRET}


def test_a_command_that_is_killed_loses_nothing(
    ledger: Ledger, hooks: HookServer, tmp_path: Path
) -> None:
    command = [*LEDGER, "publish", hooks.url, "--name", NAME]
    endings = {}
    for number, status in ((signal.SIGKILL, "AUTHORISED"), (signal.SIGTERM, "CAPTURED")):
        newest = receive(ledger, a_form_call(status)).positions[-1]
        with ledger.database.begin() as connection:
            connection.exec_driver_sql("DELETE FROM leases")  # a minute later
        before = len(hooks.calls)
        process = subprocess.Popen(command, env=environ_of(ledger), cwd=tmp_path)
        try:
            eventually(lambda before=before: len(hooks.calls) > before)
            process.send_signal(number)
            endings[number] = process.wait(20)
        finally:
            process.kill()
            process.wait(20)
        assert newest >= max(hooks.taken)

    assert endings == {signal.SIGKILL: -signal.SIGKILL, signal.SIGTERM: 0}
    sender = Sender(ledger, hooks)
    sender.publish()
    assert sorted(set(hooks.taken)) == sender.positions
    firsts = list(dict.fromkeys(hooks.taken))
    assert firsts == sender.positions  # what came twice came again behind what was there


def test_the_commands_say_how_it_stands_and_change_it(
    ledger: Ledger, hooks: HookServer, tmp_path: Path
) -> None:
    url, newest = str(ledger.database.engine.url), Sender(ledger, hooks).positions[-1]
    shops = shops_file(tmp_path)
    publish = ("publish", hooks.url, "--name", NAME)
    signed = {"LEDGER_PUBLISH_SECRET": SECRET}
    hooks.next_statuses = [204, 410]

    gone = run(url, shops, *publish, "--once", "--from", "2", **signed)
    listed = run(url, shops, "destinations", "list")
    enabled = run(url, shops, "destinations", "enable", NAME)
    replayed = run(url, shops, "destinations", "replay", NAME, "--from", str(newest))
    done = run(url, shops, *publish, "--once", **signed)
    again = run(url, shops, *publish, "--event", "1", **signed)
    forgotten = run(url, shops, "destinations", "forget", NAME)
    unknown = run(url, shops, "destinations", "enable", NAME)

    assert (gone.exit_code, "disabled since" in gone.stderr) == (1, True)
    words = listed.stdout.split("\t")
    assert (words[0], words[1], words[4], words[5]) == ("disabled", "2", "masked", NAME)
    assert [each.exit_code for each in (enabled, replayed, done, again, forgotten)] == [0] * 5
    assert hooks.taken == [2, newest, 1]
    assert unknown.exit_code == 1


@pytest.mark.parametrize(
    "address",
    [
        "http://hooks.example.com/x",
        "https://user:password@hooks.example.com/x",
        "https://hooks.example.com/x?key=1",
        "ftp://hooks.example.com/x",
    ],
)
def test_another_address_is_refused_in_words(address: str) -> None:
    with pytest.raises(DestinationError, match="https"):
        read_address(address)


def test_a_name_never_holds_a_password() -> None:
    address = read_address("nats://user:S3cret@127.0.0.1:4222?stream=payments")

    assert address.name == "nats://127.0.0.1:4222?stream=payments"
    assert "S3cret" not in repr(address)


@pytest.mark.parametrize("secret", ["", "whsec_c2hvcnQ=", "not a secret"])
def test_without_a_secret_nothing_is_sent(
    ledger: Ledger, hooks: HookServer, tmp_path: Path, secret: str
) -> None:
    url = str(ledger.database.engine.url)

    publish = ("publish", hooks.url, "--once")
    refused = run(url, shops_file(tmp_path), *publish, LEDGER_PUBLISH_SECRET=secret)

    assert (refused.exit_code, "LEDGER_PUBLISH_SECRET" in refused.stderr) == (2, True)
    assert hooks.calls == []
