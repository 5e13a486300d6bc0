"""Evidence for others on the command line: bundles as zip files, and stamps of an authority."""

import zipfile
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from ledger.application import Ledger
from ledger.cli import cli
from ledger.proof import stamping
from tests.builders import KEYS_ENVIRON, SHOP_ID, UUID, a_form_call, receive
from tests.proof.checking import check, needs_openssl_and_xxd
from tests.proof.stamping import Authority, an_authority, needs_openssl

PERSONAL = {"cust_email": "jo@example.org", "cust_name": "Jo Doe"}


@pytest.fixture
def environ(ledger: Ledger, sqlite_url: str, tmp_path: Path) -> dict[str, str]:
    receive(ledger, a_form_call("AUTHORISED", **PERSONAL))
    receive(ledger, a_form_call("CAPTURED", source="BATCH", **PERSONAL))
    variables = {"LEDGER_DATABASE_URL": sqlite_url, "LEDGER_LOG_KEY_FILE": f"{tmp_path}/log-key"}
    made = proof(KEYS_ENVIRON | variables, "init", "--origin", "ledger.example.com/shop")
    assert made.exit_code == 0, made.output
    return KEYS_ENVIRON | variables


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return an_authority(tmp_path_factory.mktemp("authorities") / "one")


def proof(environ: dict[str, str], *arguments: str) -> Result:
    return CliRunner().invoke(cli, ["proof", *arguments], env=environ)


def bundled(environ: dict[str, str], folder: Path, *arguments: str) -> Result:
    """Write a bundle and unpack it."""
    file = folder.with_suffix(".zip")
    named = ("bundle", *arguments, "--shop", SHOP_ID, "--mode", "test", "--output", str(file))
    result = proof(environ, *named)
    if result.exit_code == 0:
        with zipfile.ZipFile(file) as archive:
            archive.extractall(folder)
    return result


def public_key(environ: dict[str, str]) -> str:
    lines = proof(environ, "status").stdout.splitlines()
    return next(line for line in lines if line.startswith("public_key")).split()[1]


@needs_openssl_and_xxd
def test_a_payment_is_checked_by_its_own_script(environ: dict[str, str], tmp_path: Path) -> None:
    result = bundled(environ, tmp_path / "bundle", "transaction", UUID)

    checked = check(tmp_path / "bundle", public_key(environ))

    assert result.exit_code == 0, result.output
    assert "2 entries of the log ledger.example.com/shop" in result.stdout
    assert "--facts-only leaves them out" in result.stderr
    assert checked.status == 0
    assert len([*(tmp_path / "bundle").glob("*.body")]) == 2


def test_it_holds_a_history_to_print_in_both_languages(
    environ: dict[str, str], tmp_path: Path
) -> None:
    bundled(environ, tmp_path / "bundle", "transaction", UUID, "--facts-only")

    english = (tmp_path / "bundle/history-en.html").read_text()
    french = (tmp_path / "bundle/history-fr.html").read_text()

    assert "Payment accepted" in english
    assert "Paiement accepté" in french
    assert "29,90" in french
    for page in (english, french):
        assert "<script" not in page
        assert "href" not in page
        assert "Jo Doe" not in page


@needs_openssl_and_xxd
def test_facts_alone_name_nobody(environ: dict[str, str], tmp_path: Path) -> None:
    result = bundled(environ, tmp_path / "bundle", "transaction", UUID, "--facts-only")

    contents = b"".join(file.read_bytes() for file in (tmp_path / "bundle").iterdir())
    assert (result.exit_code, result.stderr) == (0, "")
    assert check(tmp_path / "bundle").status == 0
    assert b"jo@example.org" not in contents
    assert b"Jo Doe" not in contents


def test_what_is_not_there_has_no_bundle(environ: dict[str, str], tmp_path: Path) -> None:
    result = bundled(environ, tmp_path / "bundle", "transaction", "f" * 32)

    assert result.exit_code == 1
    assert "not found" in result.output


# -- time stamps ----------------------------------------------------------------------------------


@pytest.fixture
def stamping_environ(
    environ: dict[str, str], authority: Authority, tmp_path: Path
) -> dict[str, str]:
    (tmp_path / "tsa.pem").write_bytes(authority.chain)
    proof(environ, "checkpoint")
    return environ | {"LEDGER_TSA_CERTIFICATES_FILE": f"{tmp_path}/tsa.pem"}


@needs_openssl_and_xxd
def test_a_reply_that_was_fetched_elsewhere_is_kept_and_bundled(
    stamping_environ: dict[str, str], authority: Authority, tmp_path: Path
) -> None:
    queried = proof(stamping_environ, "timestamp", "--query", f"{tmp_path}/query")
    (tmp_path / "reply").write_bytes(authority.reply((tmp_path / "query").read_bytes()))

    kept = proof(stamping_environ, "timestamp", "--reply", f"{tmp_path}/reply")
    bundled(stamping_environ, tmp_path / "bundle", "transaction", UUID)

    assert (queried.exit_code, kept.exit_code) == (0, 0)
    assert kept.stdout.endswith("the checkpoint of 3 entries\n")
    checked = check(tmp_path / "bundle")
    assert checked.status == 0
    assert "ok    timestamp.tsr" in checked.said


@needs_openssl_and_xxd
def test_a_bundle_takes_the_stamped_checkpoint_as_long_as_it_reaches_so_far(
    stamping_environ: dict[str, str], ledger: Ledger, authority: Authority, tmp_path: Path
) -> None:
    proof(stamping_environ, "timestamp", "--query", f"{tmp_path}/query")
    (tmp_path / "reply").write_bytes(authority.reply((tmp_path / "query").read_bytes()))
    receive(ledger, a_form_call(trans_uuid="f" * 32, trans_id="900009"))
    proof(stamping_environ, "checkpoint")
    proof(stamping_environ, "timestamp", "--reply", f"{tmp_path}/reply")

    bundled(stamping_environ, tmp_path / "old", "transaction", UUID)
    bundled(stamping_environ, tmp_path / "new", "transaction", "f" * 32)

    assert (tmp_path / "old/checkpoint").read_text().split()[1] == "3"
    assert (tmp_path / "new/checkpoint").read_text().split()[1] == "4"
    assert not (tmp_path / "new/timestamp.tsr").exists()
    assert check(tmp_path / "old").status == check(tmp_path / "new").status == 0


@needs_openssl
def test_an_authority_is_asked(
    stamping_environ: dict[str, str], authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    queried: list[str] = []

    def ask(url: str, query: bytes) -> bytes:
        queried.append(url)
        return authority.reply(query)

    monkeypatch.setattr(stamping, "ask", ask)
    environ = stamping_environ | {"LEDGER_TSA_URL": "http://tsa.example.com/tsr"}

    result = proof(environ, "timestamp")

    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("stamped 20")
    assert queried == ["http://tsa.example.com/tsr"]


@needs_openssl
@pytest.mark.parametrize(
    ("arguments", "words", "code"),
    [
        ((), "LEDGER_TSA_URL is not set", 2),
        (("--query", "a", "--reply", "b"), "give one of them", 2),
        (("--reply", "missing"), "No such file", 2),
        (("--reply", "tsa.pem"), "", 1),
    ],
)
def test_what_cannot_be_stamped_is_said(
    stamping_environ: dict[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    words: str,
    code: int,
) -> None:
    monkeypatch.chdir(tmp_path)

    result = proof(stamping_environ, "timestamp", *arguments)

    assert result.exit_code == code
    assert words in result.output


@needs_openssl
def test_the_reply_of_another_authority_is_refused(
    stamping_environ: dict[str, str], tmp_path: Path
) -> None:
    other = an_authority(tmp_path / "other")
    proof(stamping_environ, "timestamp", "--query", f"{tmp_path}/query")
    (tmp_path / "reply").write_bytes(other.reply((tmp_path / "query").read_bytes()))

    result = proof(stamping_environ, "timestamp", "--reply", f"{tmp_path}/reply")

    assert result.exit_code == 1
    assert "not signed by this authority" in result.output
