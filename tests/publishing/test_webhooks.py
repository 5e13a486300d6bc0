"""Events by webhook: signed, in order, again under the same id, until the receiver has them all."""

import ssl
import threading
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
)
from ledger.publishing.endpoint import Endpoint
from ledger.publishing.publisher import Publisher
from ledger.publishing.standing import enable, replay
from ledger.storage.database import Database
from ledger.storage.destination_tables import destinations
from tests.builders import NOON, a_form_call, a_ledger, receive
from tests.publishing.receiving import KEY, SECRET, HookServer, receiving
from tests.publishing.sending import NAME, Sender
from tests.web.asking import Asking

EMAIL = "synthetic.person@example.org"


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

    calls = sender.hooks.hook_calls
    assert [call.position for call in calls] == sender.positions
    assert len(sender.hooks.ports) == 1
    for call in calls:
        assert call.headers["webhook-signature"] == call.signature(KEY)
        assert call.headers["webhook-timestamp"] == str(int(NOON.timestamp()))
        assert call.headers["content-type"] == "application/cloudevents+json"
        assert call.cloud_event["id"] == call.headers["webhook-id"]
        assert call.cloud_event["specversion"] == "1.0"


def test_while_a_secret_replaces_another_both_sign(ledger: Ledger, hooks: HookServer) -> None:
    older = "whsec_YW4gb2xkZXIgc3ludGhldGljIGtleSBvZiAzMiBiLg=="
    both = (SECRET, older)
    with closing(Endpoint(ledger.database, NAME, hooks.url, both)) as endpoint:
        publisher = Publisher(ledger, endpoint, NAME, "urn:synthetic")
        endpoint.send_again(publisher.message_at(1))

    (call,) = hooks.hook_calls
    signatures = call.headers["webhook-signature"].split()
    assert signatures == [
        call.signature(KEY),
        call.signature(b"an older synthetic key of 32 b."),
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
    assert [call.position for call in sender.hooks.hook_calls[:4]] == [
        first,
        second,
        second,
        second,
    ]
    assert sender.hooks.taken == sender.positions
    timestamps = {call.headers["webhook-timestamp"] for call in sender.hooks.hook_calls[1:4]}
    assert len(timestamps) == 3  # that of the try, as the specification says


def test_a_receiver_may_ask_for_a_longer_pause(sender: Sender) -> None:
    sender.hooks.next_statuses, sender.hooks.headers = [429], {"Retry-After": "600"}
    sender.fails()
    sender.now += timedelta(seconds=599)
    sender.fails()
    sender.now += timedelta(seconds=1)
    sender.publish()

    assert [call.position for call in sender.hooks.hook_calls[:2]] == [1, 1]
    assert sender.hooks.taken == sender.positions


@pytest.mark.parametrize("status", [302, 400, 404])
def test_no_redirect_is_followed_and_a_refusal_is_a_failure(sender: Sender, status: int) -> None:
    sender.hooks.status, sender.hooks.headers = status, {"Location": sender.hooks.url}

    assert f"answered {status}" in sender.fails()
    assert len(sender.hooks.hook_calls) == 1


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
    assert len(sender.hooks.hook_calls) == 2
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
    assert (finding.state, len(sender.hooks.hook_calls)) == ("fault", 11)


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
    sender.hooks.hook_calls.clear()
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

    assert (EMAIL.encode() in sender.hooks.hook_calls[-1].body) == has_personal


def test_a_lost_answer_is_sent_again_under_the_same_id(sender: Sender) -> None:
    """As when a process is killed between the receiver's answer and the note of it."""
    sender.publish()
    newest = sender.positions[-1]
    with sender.ledger.database.begin() as connection:
        connection.execute(update(destinations).values(position=newest - 1))

    sender.publish()

    again = [call for call in sender.hooks.hook_calls if call.position == newest]
    assert len(again) == 2
    assert again[0].body == again[1].body


def test_only_a_receiver_whose_certificate_is_known_is_sent_anything(
    sender: Sender, certificate: Path, tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    with receiving(tls) as there:
        sender.hooks = there
        said = sender.fails()
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        sender.now += timedelta(minutes=1)
        sender.publish()

    assert "cannot be reached: SSLCertVerificationError" in said
    assert there.taken == sender.positions


def test_a_place_is_kept_in_either_database(database: Database, hooks: HookServer) -> None:
    ledger = a_ledger(database)
    receive(ledger, a_form_call("AUTHORISED"))
    sender = Sender(ledger, hooks)
    sender.publish()
    receive(ledger, a_form_call("CAPTURED"))
    hooks.next_statuses = [500]
    said, again = sender.fails(), sender.fails()
    sender.now += timedelta(minutes=1)
    sender.publish()

    assert said == again
    assert hooks.taken == sender.positions
