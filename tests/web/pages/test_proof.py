"""The page of the signed log, the entry behind an event, and evidence as a file."""

import io
import re
import zipfile
from html import unescape

import pytest
from werkzeug.test import TestResponse

from ledger.proof.note import VerifierKey, parse_checkpoint
from ledger.proof.signer import LogSigner
from tests.builders import UUID, a_form_call, receive
from tests.proof.logged import sign
from tests.web.pages.payments import AT, PAYMENT, receive_a_payment
from tests.web.pages.visiting import Visiting

BUNDLE = f"{AT}/bundles/transaction/{UUID}"


@pytest.fixture
def signed(own_pages: Visiting, signer: LogSigner) -> Visiting:
    """The pages after a payment that is in the signed log; an auditor has signed in."""
    visit = receive_a_payment(own_pages)
    sign(visit.ledger, signer)
    return visit


def shown_in_pre(page: str) -> list[str]:
    return re.findall(r"<pre[^>]*><bdi>(.*?)</bdi></pre>", page, re.DOTALL)


def names_in(response: TestResponse) -> set[str]:
    assert response.status_code == 200, response.text
    with zipfile.ZipFile(io.BytesIO(response.data)) as archive:
        return set(archive.namelist())


def test_the_newest_checkpoint_is_there_to_be_copied(signed: Visiting, signer: LogSigner) -> None:
    note, key = map(unescape, shown_in_pre(signed.get("/test/proof").text))

    assert signer.verifier.is_signed(note)
    assert VerifierKey.parse(key) == signer.verifier
    assert parse_checkpoint(note).size == 3


def test_what_waits_for_its_entry_is_counted(signed: Visiting) -> None:
    before = signed.get("/test/proof").text
    receive(signed.ledger, a_form_call(trans_uuid="f" * 32, trans_id="900009"))

    after = signed.get("/test/proof").text

    assert "since" not in before
    assert re.search(r"Without an entry yet</dt><dd>1 <span class=\"sub\">since", after)


def test_before_anything_is_signed_the_page_says_so(visit: Visiting) -> None:
    page = visit.get("/test/proof").text

    assert "Nothing was signed yet." in page
    assert shown_in_pre(page) == []


def test_evidence_names_its_entry_in_the_log(signed: Visiting) -> None:
    page = signed.get(f"{AT}/events/1/evidence").text

    assert "In the signed log" in page
    assert re.search(r"Hash of the entry, SHA-256</dt><dd><code>[0-9a-f]{64}</code>", page)
    assert "Signed since" in page


def test_evidence_that_is_not_signed_yet_says_so(visit: Visiting) -> None:
    assert "It has no signed entry yet." in visit.get(f"{AT}/events/1/evidence").text


def test_a_payment_leads_to_its_evidence_as_a_file(signed: Visiting) -> None:
    (address,) = re.findall(r'href="([^"]*/bundles/[^"]*)"', signed.get(PAYMENT).text)

    response = signed.get(address)

    assert address == BUNDLE
    named = re.fullmatch(
        rf'attachment; filename="([a-z0-9-]+_test_transaction-{UUID}_up-to-entry-([0-9]+))\.zip"',
        response.headers["Content-Disposition"],
    )
    assert named is not None
    assert {"check.sh", "history-en.html", "history-fr.html"} <= names_in(response)
    with zipfile.ZipFile(io.BytesIO(response.data)) as archive:
        assert archive.read("checkpoint").split(b"\n")[1].decode() == named[2]
        readme = archive.read("README.txt").decode()
        assert readme.count(f"    unzip {named[1]}.zip -d ") == 2
        for page, words in (("en", "up to entry"), ("fr", "jusqu’à l’entrée")):
            assert f"{words} {named[2]}</p>" in archive.read(f"history-{page}.html").decode()


def test_only_who_may_see_personal_data_gets_them(signed: Visiting) -> None:
    of_auditor = names_in(signed.get(BUNDLE))
    operator = Visiting(signed.ledger)
    operator.sign_in("operator")
    of_operator = names_in(operator.get(BUNDLE))
    facts_only = names_in(operator.get(f"{BUNDLE}?facts_only=true"))

    assert not [name for name in of_auditor | facts_only if name.endswith((".body", ".apart"))]
    assert len([name for name in of_operator if name.endswith(".body")]) == 2


@pytest.mark.parametrize(
    "path", [f"{AT}/bundles/transaction/{'f' * 32}", f"{AT}/bundles/nothing/{UUID}"]
)
def test_what_is_not_there_has_no_bundle(signed: Visiting, path: str) -> None:
    assert signed.get(path).status_code == 404


def test_the_newest_of_a_payment_is_waited_for(signed: Visiting) -> None:
    receive(signed.ledger, a_form_call("REFUSED", source="BO"))

    response = signed.get(BUNDLE)

    assert response.status_code == 503
    assert "not in the signed log yet" in response.text
