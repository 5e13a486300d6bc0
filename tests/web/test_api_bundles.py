"""Evidence bundles over HTTP: complete, checked by their own script, and to each what is theirs."""

import io
import zipfile
from pathlib import Path

import pytest
from werkzeug.test import TestResponse

from ledger.proof.signer import LogSigner
from tests.builders import OTHER_SHOP_ID, UUID, a_form_call, receive
from tests.proof.checking import check_files, needs_openssl_and_xxd
from tests.proof.logged import sign
from tests.web.asking import AT, Asking

TRANSACTION = f"{AT}/transactions/{UUID}/bundle"
ORDER = f"{AT}/orders/CMD-2026-0001/bundle"


@pytest.fixture
def signed(api: Asking, signer: LogSigner) -> Asking:
    api.receive_a_payment()
    receive(api.ledger, a_form_call("CAPTURED", source="BATCH", cust_email="jo@example.org"))
    api.follow()
    sign(api.ledger, signer)
    return api


def files_of(response: TestResponse) -> dict[str, bytes]:
    assert response.status_code == 200, response.text
    assert response.content_type == "application/octet-stream"
    assert response.headers["Content-Disposition"].endswith('.zip"')
    with zipfile.ZipFile(io.BytesIO(response.data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def endings(files: dict[str, bytes]) -> set[str]:
    return {name.partition(".")[2] for name in files}


@needs_openssl_and_xxd
@pytest.mark.parametrize("path", [TRANSACTION, ORDER])
@pytest.mark.parametrize("role", ["auditor", "auditor-personal"])
def test_a_bundle_passes_its_own_check(
    signed: Asking, path: str, role: str, tmp_path: Path
) -> None:
    files = files_of(signed.call(path, role))

    assert check_files(files, tmp_path).status == 0
    assert ("body" in endings(files)) == (role == "auditor-personal")


def test_facts_alone_can_be_asked_for(signed: Asking) -> None:
    whole = files_of(signed.call(TRANSACTION, "operator"))
    facts = files_of(signed.call(f"{TRANSACTION}?facts_only=true", "operator"))

    assert {"body", "body.salt", "apart", "apart.salt"} <= endings(whole)
    assert not {"body", "body.salt", "apart", "apart.salt"} & endings(facts)


def test_a_bundle_leaves_a_line_in_the_access_log(signed: Asking) -> None:
    signed.call(TRANSACTION, "auditor-personal")

    (line,) = signed.get("/api/v1/access-log?kind=transaction-bundle", "operator")["items"]

    assert (line["reference"], line["role"]) == (UUID, "auditor-personal")


def test_another_shops_object_has_no_bundle_for_this_reader(signed: Asking) -> None:
    assert signed.call(TRANSACTION, shops=(OTHER_SHOP_ID,)).status_code == 403
    assert signed.call(f"{AT}/transactions/{'f' * 32}/bundle").status_code == 404


def test_what_is_not_signed_yet_is_asked_for_again(signed: Asking) -> None:
    receive(signed.ledger, a_form_call("REFUSED", source="BO"))

    response = signed.call(TRANSACTION)

    assert (response.status_code, response.get_json()["code"]) == (503, "not-signed-yet")
    assert int(response.headers["Retry-After"]) > 0
