"""Every command of README and documents does what it says: each is followed as it stands."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import URL

from tests.builders import (
    KEYS_ENVIRON,
    OTHER_SHOP_ID,
    a_form_call,
    a_ledger,
    a_shop,
    receive,
    shops,
)
from tests.cli.running import shops_file
from tests.conftest import administer, opened
from tests.documents.blocks import ROOT, Reader, a_reader, missing_program, shell_blocks

DOCUMENTS = sorted(
    path.relative_to(ROOT)
    for path in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md"))
    if path.exists() and shell_blocks(path.read_text())
)
FROM_NOTHING = {Path("README.md"), Path("docs/tutorial.md")}
"""Documents that make their ledger themselves; the others are about one that is there."""
OF_A_PERSON = {
    "ctx_mode": "PRODUCTION",
    "trans_uuid": "c3" * 16,
    "trans_id": "300003",
    "cust_email": "jo@example.org",
    "card_number": "497010XXXXXX0055",
    "amount": "1234",
    "effective_amount": "1234",
}
"""A payment by somebody whom documents ask for."""
OF_DATABASE = Path("docs/how-to/back-up-and-restore.md")
"""The document about a database `ledger` that is there."""
OF_SERVER = {
    OF_DATABASE,
    Path("docs/how-to/run-in-production.md"),
    Path("docs/operating.md"),
}
OTHERWISE = {
    Path("CONTRIBUTING.md"): "tests/test_contributing.py",
    Path("docs/how-to/release.md"): "tests/test_release.py",
}
"""What another test follows."""


@pytest.fixture
def reader(tmp_path: Path) -> Reader:
    return a_reader(tmp_path)


@pytest.fixture
def server(postgres_server: URL) -> Iterator[URL]:
    """A server without the databases and the roles that documents make."""
    yield postgres_server
    for database in ("ledger", "ledger_restored"):
        administer(postgres_server, f"DROP DATABASE IF EXISTS {database} WITH (FORCE)")
    for role in ("ledger_owner", "ledger_service"):
        administer(postgres_server, f"DROP ROLE IF EXISTS {role}")


@pytest.fixture
def prepared(tmp_path: Path, stories_file: Path, server: URL) -> Reader:
    """A reader with a ledger that has received every story, a shops file, and a server."""
    (tmp_path / "var").mkdir()
    path = tmp_path / "var" / "ledger.sqlite"
    shutil.copyfile(stories_file, path)
    with opened(f"sqlite:///{path}") as database:
        ledger = a_ledger(database, shops(a_shop(), a_shop(OTHER_SHOP_ID)))
        receive(ledger, a_form_call(note="an unknown field"), is_from_named_range=False)
        receive(ledger, a_form_call(**OF_A_PERSON))
    old_calls = tmp_path / "old-calls"
    old_calls.mkdir()
    (old_calls / "1.txt").write_bytes(a_form_call(trans_uuid="b2" * 16, trans_id="200002"))
    shops_path = shops_file(tmp_path, [a_shop(), a_shop(OTHER_SHOP_ID)])
    address = {
        "PGHOST": server.query.get("host") or server.host,
        "PGPORT": server.port,
        "PGUSER": server.username,
        "PGPASSWORD": server.password,
    }
    return a_reader(
        tmp_path,
        LEDGER_DATABASE_URL=f"sqlite:///{path}",
        LEDGER_SHOPS_FILE=str(shops_path),
        LEDGER_ALLOWED_SOURCES="127.0.0.0/8",
        **KEYS_ENVIRON,
        **{name: str(value) for name, value in address.items() if value},
    )


@pytest.mark.parametrize("document", DOCUMENTS, ids=str)
def test_a_document_can_be_followed(document: Path, request: pytest.FixtureRequest) -> None:
    path = ROOT / document
    if missing := missing_program(path.read_text()):
        pytest.skip(f"{missing} is not installed")
    if document in OF_SERVER and "LEDGER_TEST_POSTGRES_URL" in os.environ:
        pytest.skip("it makes databases and roles by fixed names: not on a server that is shared")
    if document in OTHERWISE:
        assert (ROOT / OTHERWISE[document]).exists()
        return
    reader: Reader = request.getfixturevalue("reader" if document in FROM_NOTHING else "prepared")
    if document == OF_DATABASE:
        template = request.getfixturevalue("postgres_template")
        server = request.getfixturevalue("server")
        administer(server, f"CREATE DATABASE ledger TEMPLATE {template} STRATEGY file_copy")

    reader.follow(path)
