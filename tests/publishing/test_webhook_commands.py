"""The commands that publish by webhook: killed, asked how it stands, and told what to do."""

import signal
import subprocess
from pathlib import Path

import pytest
from sqlalchemy import text

from ledger.application import Ledger
from ledger.errors import ReadOnlyError
from ledger.publishing.destination import (
    DestinationError,
    read_address,
)
from tests.builders import a_form_call, a_ledger, receive
from tests.cli.running import run, shops_file
from tests.conftest import opened
from tests.projections.helpers import eventually
from tests.publishing.receiving import SECRET, HookServer
from tests.publishing.sending import NAME, Sender
from tests.serving import LEDGER


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
        before = len(hooks.hook_calls)
        process = subprocess.Popen(command, env=environ_of(ledger), cwd=tmp_path)
        try:
            eventually(lambda before=before: len(hooks.hook_calls) > before)
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
    assert hooks.hook_calls == []


def test_a_receiver_needs_a_database_that_remembers(postgres_url: str, hooks: HookServer) -> None:
    with opened(postgres_url) as database:
        name = database.engine.url.database
        with database.engine.begin() as connection:
            connection.execute(
                text(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
            )
    with opened(postgres_url) as database:
        sender = Sender(a_ledger(database), hooks)
        with pytest.raises(ReadOnlyError):
            sender.publish()
