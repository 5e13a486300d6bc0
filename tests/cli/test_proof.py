"""The log on the command line: signed, compared with what was kept, begun anew after a restore."""

import json
from contextlib import closing
from pathlib import Path
from sqlite3 import connect
from zipfile import ZipFile

import pytest
from click.testing import CliRunner, Result

from ledger.application import Ledger
from ledger.cli import cli
from ledger.proof.note import VerifierKey, parse_checkpoint
from tests.builders import KEYS_ENVIRON, a_form_call, receive

ORIGIN = "ledger.example.com/shop"


@pytest.fixture
def environ(ledger: Ledger, sqlite_url: str, tmp_path: Path) -> dict[str, str]:
    for number in range(3):
        receive(ledger, a_form_call(trans_uuid=f"{number:032x}"))
    key = {"LEDGER_LOG_KEY_FILE": str(tmp_path / "log-key")}
    return KEYS_ENVIRON | {"LEDGER_DATABASE_URL": sqlite_url} | key


def proof(environ: dict[str, str], *arguments: str) -> Result:
    return CliRunner().invoke(cli, ["proof", *arguments], env=environ)


@pytest.fixture
def public_key(environ: dict[str, str]) -> VerifierKey:
    made = proof(environ, "init", "--origin", ORIGIN)
    assert made.exit_code == 0, made.output
    return VerifierKey.parse(made.stdout)


def test_a_key_is_made_once(environ: dict[str, str], public_key: VerifierKey) -> None:
    again = proof(environ, "init", "--origin", ORIGIN)

    assert public_key.name == ORIGIN
    assert again.exit_code == 2
    assert "there is a log key already" in again.output


def test_a_checkpoint_is_signed_and_shown(environ: dict[str, str], public_key: VerifierKey) -> None:
    note = proof(environ, "checkpoint").stdout
    status = json.loads(proof(environ, "status", "--json").stdout)

    assert public_key.is_signed(note)
    assert parse_checkpoint(note).size == 4
    assert (status["origin"], status["size"], status["signed_size"]) == (ORIGIN, 4, 4)
    assert status["waiting"] == 0
    assert status["public_key"] == public_key.line
    assert proof(environ, "checkpoint").stdout == note


def test_without_a_key_nothing_is_signed(environ: dict[str, str]) -> None:
    Path(environ["LEDGER_LOG_KEY_FILE"]).unlink(missing_ok=True)

    result = proof(environ, "checkpoint")

    assert result.exit_code == 2
    assert "No such file" in result.output


def test_growth_is_proven_from_a_kept_checkpoint(
    environ: dict[str, str], public_key: VerifierKey, ledger: Ledger, tmp_path: Path
) -> None:
    kept = tmp_path / "kept"
    kept.write_text(proof(environ, "checkpoint").stdout)
    receive(ledger, a_form_call(trans_uuid="f" * 32))
    newest = proof(environ, "checkpoint").stdout

    result = proof(environ, "consistency", "--from", str(kept))

    assert result.exit_code == 0
    hashes, _, note = result.stdout.partition("\n\n")
    assert note == newest
    assert len(hashes.split()) == 1


@pytest.mark.parametrize(
    ("written", "words", "code"),
    [
        ("another\n4\n" + "A" * 43 + "=\n", "it is of the log another", 1),
        (f"{ORIGIN}\n9\n" + "A" * 43 + "=\n", "has 4 entries, and 9 were signed", 1),
        (f"{ORIGIN}\n4\n" + "A" * 43 + "=\n", "are not those that were signed", 1),
        ("nothing", "cannot be read", 2),
    ],
)
def test_a_checkpoint_of_another_log_is_refused(
    environ: dict[str, str],
    public_key: VerifierKey,
    tmp_path: Path,
    written: str,
    words: str,
    code: int,
) -> None:
    proof(environ, "checkpoint")
    (tmp_path / "kept").write_text(written)

    result = proof(environ, "consistency", "--from", str(tmp_path / "kept"))

    assert result.exit_code == code
    assert words in result.output


def test_the_whole_log_is_written_as_tiles(
    environ: dict[str, str], public_key: VerifierKey, tmp_path: Path
) -> None:
    note = proof(environ, "checkpoint").stdout

    result = proof(environ, "tiles", "--output", str(tmp_path / "log"))

    assert result.exit_code == 0
    assert (tmp_path / "log/checkpoint").read_text() == note
    assert len((tmp_path / "log/tile/0/000.p/4").read_bytes()) == 4 * 32
    bundle = (tmp_path / "log/tile/entries/000.p/4").read_bytes()
    length = int.from_bytes(bundle[:2], "big")
    assert json.loads(bundle[2 : 2 + length])["kind"] == "start"


def test_a_restore_is_noticed_and_declared(
    environ: dict[str, str], public_key: VerifierKey, ledger: Ledger, tmp_path: Path
) -> None:
    path = environ["LEDGER_DATABASE_URL"].removeprefix("sqlite:///")
    proof(environ, "checkpoint")
    with closing(connect(path)) as source, closing(connect(tmp_path / "backup")) as target:
        source.backup(target)
    for number in range(10, 13):
        receive(ledger, a_form_call(trans_uuid=f"{number:032x}"))
    proof(environ, "checkpoint")
    restored = environ | {"LEDGER_DATABASE_URL": f"sqlite:///{tmp_path}/backup"}

    check = CliRunner().invoke(cli, ["check"], env=restored)
    refused = proof(restored, "checkpoint")
    restarted = proof(restored, "restart", "--reason", "restored a backup")

    assert check.exit_code == 2
    assert [line for line in check.output.splitlines() if line.startswith("fault   log ")]
    assert refused.exit_code == 1
    assert parse_checkpoint(restarted.stdout).origin == f"{ORIGIN}/2"
    assert proof(restored, "checkpoint").exit_code == 0
    assert proof(restored, "restart", "--reason", "again").exit_code == 1


def verify_log(environ: dict[str, str]) -> Result:
    arguments = ["verify", "--only", "log", "--workers", "1"]
    return CliRunner().invoke(cli, arguments, env=environ)


def test_another_key_takes_over(
    environ: dict[str, str], public_key: VerifierKey, ledger: Ledger, tmp_path: Path
) -> None:
    handover = (
        "handover",
        "--to",
        str(tmp_path / "next-key"),
        "-o",
        str(tmp_path / "handover.zip"),
    )

    given = proof(environ, *handover)
    again = proof(environ, *handover)
    verified = verify_log(environ)
    receive(ledger, a_form_call(trans_uuid=f"{9:032x}"))
    note = proof(environ, "checkpoint").stdout

    assert (given.exit_code, again.exit_code) == (0, 0), given.output + again.output
    new_key = VerifierKey.parse(given.stdout)
    assert again.stdout == given.stdout
    assert (new_key.name, new_key.public_key != public_key.public_key) == (ORIGIN, True)
    assert new_key.is_signed(note)
    key_file, next_file = Path(environ["LEDGER_LOG_KEY_FILE"]), tmp_path / "next-key"
    assert key_file.read_text() == f"{next_file.read_text()}{public_key.line}\n"
    assert {file.stat().st_mode & 0o777 for file in (key_file, next_file)} == {0o600}
    assert verified.exit_code == 0, verified.output
    with ZipFile(tmp_path / "handover.zip") as bundle:
        assert bundle.read("log.vkey").decode().strip() == public_key.line


def test_a_key_that_took_its_place_by_itself_is_a_fault(
    environ: dict[str, str], public_key: VerifierKey, ledger: Ledger, tmp_path: Path
) -> None:
    proof(environ, "checkpoint")
    other = environ | {"LEDGER_LOG_KEY_FILE": str(tmp_path / "other-key")}
    proof(other, "init", "--origin", ORIGIN)
    receive(ledger, a_form_call(trans_uuid=f"{9:032x}"))
    proof(other, "checkpoint")

    verified = verify_log(other)

    assert verified.exit_code == 1
    assert "checkpoint-signature" in verified.stdout


def test_the_log_key_is_not_handed_to_itself(
    environ: dict[str, str], public_key: VerifierKey
) -> None:
    result = proof(environ, "handover", "--to", environ["LEDGER_LOG_KEY_FILE"])

    assert result.exit_code == 2
    assert "is the log key itself" in result.output
