"""What the API shows of the log is accepted by a program with the libraries of Go's own log."""

import base64
import io
import zipfile
from itertools import combinations
from pathlib import Path

import pytest

from ledger.proof.note import parse_checkpoint
from ledger.proof.signer import LogSigner
from tests.builders import a_form_call, receive
from tests.proof.go_verifier import a_bundle_case, a_growth_case, build, needs_go, verdicts
from tests.proof.logged import sign
from tests.web.asking import AT, Asking

pytestmark = needs_go
PAYMENTS = 12


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("go"))


@pytest.fixture
def notes(api: Asking, signer: LogSigner) -> list[str]:
    """The checkpoints of a log that has grown while it was signed, as an auditor has kept them."""
    kept = []
    for number in range(PAYMENTS):
        receive(api.ledger, a_form_call(trans_uuid=f"{number:032x}", cust_email="jo@example.org"))
        if number % 3 == 2:
            sign(api.ledger, signer)
            kept.append(api.call("/api/v1/log/checkpoint").text)
    return kept


def test_every_growth_between_checkpoints_is_proven(
    api: Asking, notes: list[str], signer: LogSigner, program: Path
) -> None:
    cases = []
    for old, new in combinations(notes, 2):
        sizes = [parse_checkpoint(note).size for note in (old, new)]
        answer = api.get(f"/api/v1/log/consistency?from={sizes[0]}&to={sizes[1]}")
        hashes = list(map(base64.b64decode, answer["hashes"]))
        cases.append(a_growth_case(old, new, hashes, signer.verifier.line))
        cases.append(a_growth_case(new, old, hashes, signer.verifier.line))

    said = verdicts(program, cases)

    assert len(notes) == PAYMENTS // 3
    assert set(said[::2]) == {"ok"}
    assert "ok" not in said[1::2]


@pytest.mark.parametrize("role", ["auditor", "auditor-personal"])
def test_every_bundle_is_proven(
    api: Asking, notes: list[str], signer: LogSigner, program: Path, role: str
) -> None:
    cases = []
    for number in range(PAYMENTS):
        response = api.call(f"{AT}/transactions/{number:032x}/bundle", role)
        with zipfile.ZipFile(io.BytesIO(response.data)) as archive:
            files = {name: archive.read(name) for name in archive.namelist()}
        (entry,) = (name for name in files if name.endswith(".entry"))
        cases.append(a_bundle_case(files, signer.verifier.line))
        changed = files | {entry: files[entry].replace(b'"outcome":"recorded"', b'"outcome":"x"')}
        cases.append(a_bundle_case(changed, signer.verifier.line))
        assert (b"jo%40example.org" in b"".join(files.values())) == (role != "auditor")

    said = verdicts(program, cases)

    assert notes
    assert set(said[::2]) == {"ok"}
    assert "ok" not in said[1::2]
