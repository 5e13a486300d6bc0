"""Whoever starts the service reads what it works on and which address the platform has to call."""

from pathlib import Path

import pytest
from structlog.testing import capture_logs

from ledger.cli.hello import Place, say_hello
from ledger.settings import read_settings
from tests.cli.running import shops_file
from tests.cli.test_check import SECRET, environment, key
from tests.serving import serving

HERE = Place("127.0.0.1", 8000, None)
KEYS = (key(), key("PRODUCTION", "rest-password"), key("PRODUCTION", "form-sha1"))


def lines(
    capsys: pytest.CaptureFixture[str], environ: dict[str, str], place: Place = HERE
) -> list[str]:
    """Return what is said at the start, to whoever reads standard error."""
    say_hello(read_settings(environ), environ, place)
    captured = capsys.readouterr()
    assert captured.out == ""
    assert SECRET not in captured.err
    return [line.strip() for line in captured.err.splitlines()]


@pytest.fixture
def environ(tmp_path: Path, sqlite_url: str) -> dict[str, str]:
    return environment(tmp_path, *KEYS) | {"LEDGER_DATABASE_URL": sqlite_url}


def test_a_start_names_database_shops_addresses_and_warnings(
    environ: dict[str, str], capsys: pytest.CaptureFixture[str], sqlite_url: str
) -> None:
    said = lines(capsys, environ | {"LEDGER_ALLOWED_SOURCE": "10.0.0.1"})

    assert said[0] == "IPN Ledger listens on http://127.0.0.1:8000"
    assert f"database  {sqlite_url} (LEDGER_DATABASE_URL)" in said
    shop = "12345678 Boutique: TEST form-hmac-sha256; PRODUCTION rest-password, form-sha1"
    assert f"shop      {shop}" in said
    assert "https://YOUR-PROXY/ipn/12345678/test" in said
    assert "https://YOUR-PROXY/ipn/12345678/production" in said
    assert "pages     off: LEDGER_SECRET_KEY is not set: pages answer 503, all else works" in said
    spelling = "nothing reads LEDGER_ALLOWED_SOURCE; did you mean LEDGER_ALLOWED_SOURCES?"
    assert f"warning   {spelling}" in said
    assert any("does not begin with prodpassword_" in line for line in said)
    assert any("LEDGER_ALLOWED_SOURCES is not set" in line for line in said)


def test_a_public_address_is_what_is_entered_in_the_back_office(
    environ: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    public = {"LEDGER_PUBLIC_URL": "https://ledger.example.com", "LEDGER_SECRET_KEY": "x" * 32}

    said = lines(capsys, environ | public)

    assert "https://ledger.example.com/ipn/12345678/test" in said
    assert "pages     on: https://ledger.example.com/test" in said


def test_a_mode_without_a_key_that_verifies_has_no_address(
    tmp_path: Path, sqlite_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    environ = environment(tmp_path, key("PRODUCTION", "rest-hmac"), key())

    said = lines(capsys, environ | {"LEDGER_DATABASE_URL": sqlite_url}, Place("::1", 80, None))

    assert said[0] == "IPN Ledger listens on http://[::1]:80"
    assert [line for line in said if "/ipn/" in line] == ["https://YOUR-PROXY/ipn/12345678/test"]


@pytest.mark.parametrize(
    ("part", "has_addresses", "pages"),
    [
        ("receiver", True, "pages     off: this process only receives"),
        ("reader", False, "pages     on: http://127.0.0.1:8000/test"),
    ],
)
def test_a_process_speaks_of_its_own_part(
    environ: dict[str, str],
    capsys: pytest.CaptureFixture[str],
    part: str,
    has_addresses: bool,
    pages: str,
) -> None:
    environ |= {"LEDGER_SECRET_KEY": "x" * 32}

    said = lines(capsys, environ, Place("127.0.0.1", 8000, part))

    assert pages in said
    assert any("/ipn/" in line for line in said) is has_addresses


def test_machines_read_one_line(
    environ: dict[str, str], capsys: pytest.CaptureFixture[str], sqlite_url: str
) -> None:
    with capture_logs() as entries:
        assert lines(capsys, environ | {"LEDGER_LOG_FORMAT": "json"}) == []

    (entry,) = entries
    assert entry["event"] == "serving"
    assert entry["database"] == f"{sqlite_url} (LEDGER_DATABASE_URL)"
    assert entry["addresses"] == ["/ipn/12345678/test", "/ipn/12345678/production"]
    assert SECRET not in str(entry)


def test_a_service_says_it_before_it_serves(tmp_path: Path, sqlite_url: str) -> None:
    with serving(tmp_path, sqlite_url, shops_file(tmp_path)) as service:
        log = service.log.read_text()

    assert log.index('"event": "serving"') < log.index("Listening at")
