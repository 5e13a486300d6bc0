"""A person is found, shown, erased and held by pages, and nothing of it stands in an address."""

import re
from collections.abc import Iterator
from html import unescape
from typing import Any

import pytest
from werkzeug.datastructures import MultiDict
from werkzeug.test import TestResponse

from ledger.access.log import Access, accesses
from ledger.access.users import add_user
from ledger.application import Ledger
from ledger.instants import utc_now
from ledger.privacy.certificate import read_certificate
from ledger.proof.signer import LogSigner
from tests.builders import SHOP_ID, UUID, a_form_call, a_ledger, a_rest_call, minutes, receive
from tests.conftest import opened
from tests.privacy.erasing import EMAIL, OTHER_EMAIL, a_paid_ledger, phases, secrets_left
from tests.proof.logged import ids_in_order
from tests.web.pages.visiting import PASSWORD, Visiting, csrf_token

HERE = "/test/privacy"
STEPS = ("find", "preview", "erase", "holds", "holds/x/release")


@pytest.fixture
def paid(sqlite_url: str, signer: LogSigner) -> Iterator[Visiting]:
    """The pages of two payments of two people; an operator of all shops has signed in."""
    with opened(sqlite_url) as database:
        ledger = a_paid_ledger(database, signer)
        add_somebody(ledger, "operator", "operator")
        visit = Visiting(ledger)
        visit.sign_in("operator")
        yield visit


def add_somebody(ledger: Ledger, name: str, role: str, **more: Any) -> None:
    with ledger.database.begin() as connection:
        add_user(connection, name=name, role=role, password=PASSWORD, now=utc_now(), **more)


def send(visit: Visiting, step: str, **more: Any) -> TestResponse:
    """Send a form of these pages, as a browser would."""
    token = csrf_token(visit.get(HERE).text)
    return visit.client.post(f"{HERE}/{step}", data=MultiDict(more | {"csrf_token": token}))


def find(visit: Visiting, **said: str) -> TestResponse:
    return send(visit, "find", **{"shop_id": SHOP_ID} | (said or {"email": EMAIL}))


def listed(page: TestResponse) -> list[str]:
    return re.findall(r'name="delivery" value="(\w+)" checked', page.text)


def preview(visit: Visiting, **said: str) -> TestResponse:
    """Show what an erasure of everything that is found would do."""
    said = said or {"email": EMAIL}
    ids = listed(find(visit, **said))
    return send(visit, "preview", shop_id=SHOP_ID, delivery=ids, reason="art17", **said)


def confirmation(page: TestResponse) -> MultiDict[str, str]:
    """What the button of a preview sends."""
    form = page.text.partition("Erase for ever")[0].rpartition("<form")[2]
    pairs = re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form)
    return MultiDict((name, unescape(word)) for name, word in pairs)


def confirm(visit: Visiting, form: MultiDict[str, str]) -> TestResponse:
    return visit.client.post(f"{HERE}/erase", data=form)


def erase(visit: Visiting) -> TestResponse:
    return confirm(visit, confirmation(preview(visit)))


def erasure_id(page: TestResponse) -> str:
    (id_,) = re.findall(r"Erasure <code>(\w+)</code>", page.text)
    return str(id_)


def newest_line(visit: Visiting) -> Access:
    with visit.ledger.database.connect() as connection:
        return accesses(connection, limit=1)[0]


def test_a_person_is_found_and_the_look_is_noted_without_the_value(paid: Visiting) -> None:
    page = find(paid, email=f" {EMAIL.upper()}")

    line = newest_line(paid)
    first, _, repeat, _ = ids_in_order(paid.ledger.database)
    assert listed(page) == [first, repeat]
    assert f"/test/shops/{SHOP_ID}/transactions/{UUID}" in page.text
    assert (line.kind, line.reference, line.shop_id) == ("person", "email", SHOP_ID)


def test_any_identifier_finds_and_none_or_a_wrong_one_is_said(paid: Visiting) -> None:
    by_order = find(paid, order="second")
    nobody = find(paid, order="third")
    wrong = [
        find(paid, email=" "),
        find(paid, email="no address"),
        find(paid, card_end="1234"),
        find(paid, card_end="1234", amount="1.5"),
        find(paid, card_end="1234", amount="1.555", currency="EUR"),
        find(paid, order="second", day="soon"),
        find(paid, order="second", shop_id="nothing"),
    ]

    assert len(listed(by_order)) == 1
    assert "Nothing of this shop and mode is about this person." in nobody.text
    assert {page.status_code for page in wrong} == {422}
    assert all('aria-invalid="true"' in page.text for page in wrong[:-1])


def test_deliveries_of_several_persons_are_marked(paid: Visiting) -> None:
    shared = {"trans_uuid": "c3" * 16, "trans_id": "900003", "ship_to_name": "Kim Else"}
    receive(paid.ledger, a_form_call(cust_email=EMAIL, cust_name="Jo Doe", **shared))

    page = find(paid).text

    assert "1 delivery names several persons: look at it first." in page
    assert page.count('class="mark bad">several persons') == 1


def test_many_are_chosen_together_beyond_those_that_are_listed(
    paid: Visiting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("web.pages.privacy.SHOWN_MAX", 1)
    monkeypatch.setattr("web.pages.person_form.SHOWN_MAX", 1)
    person = {"shop_id": SHOP_ID, "email": EMAIL}

    page = find(paid)
    (first,) = listed(page)

    assert "and 1 later delivery that is not listed here" in page.text
    assert "2 deliveries</h2>" in send(paid, "preview", delivery=first, rest="true", **person).text
    assert "1 delivery</h2>" in send(paid, "preview", delivery=first, **person).text


def test_a_preview_shows_everything_and_changes_nothing(paid: Visiting) -> None:
    before = secrets_left(paid.ledger)

    in_part, whole = preview(paid), preview(paid, transaction=UUID)

    assert "2 deliveries</h2>" in in_part.text
    assert "Also about something else" in in_part.text  # the capture says no address, and stays
    assert "3 deliveries</h2>" in whole.text
    assert "1 payment as a whole</h2>" in whole.text
    assert "Who has read it" in whole.text
    assert secrets_left(paid.ledger) == before
    assert phases(paid.ledger) == []
    assert send(paid, "preview", shop_id=SHOP_ID, email=EMAIL).status_code == 422  # none chosen


def test_what_was_shown_is_erased_and_its_body_is_gone(paid: Visiting) -> None:
    ids = listed(find(paid))

    page = erase(paid)

    line = newest_line(paid)
    assert page.status_code == 200, page.text
    assert phases(paid.ledger) == ["intent", "done"]
    assert secrets_left(paid.ledger).isdisjoint(ids)
    assert (line.kind, line.reference) == ("erasure", erasure_id(page))
    assert [paid.get(f"/test/notifications/{id_}/raw").status_code for id_ in ids] == [410, 410]
    assert listed(find(paid)) == []
    assert len(listed(find(paid, email=OTHER_EMAIL))) == 1


def test_what_was_not_shown_is_not_erased(paid: Visiting) -> None:
    form = confirmation(preview(paid, transaction=UUID))
    receive(paid.ledger, a_rest_call("CAPTURED", at=minutes(9)))  # the payment goes on

    page = confirm(paid, form)

    assert page.status_code == 409
    assert "Something has changed since" in page.text
    assert phases(paid.ledger) == []


def test_what_is_held_refuses_until_it_is_released(paid: Visiting) -> None:
    form = confirmation(preview(paid))
    hold = {"transaction": UUID.upper(), "reason": "a lawsuit", "until": "2999-12-31"}
    held = send(paid, "holds", shop_id=SHOP_ID, **hold)
    (id_,) = re.findall(r"holds/(\w+)/release", held.text)

    refused = confirm(paid, form)
    nothing = phases(paid.ledger)
    released = send(paid, f"holds/{id_}/release")

    assert (refused.status_code, nothing) == (409, [])
    assert id_ in refused.text
    assert "a lawsuit" in refused.text
    assert "Erase for ever" not in refused.text
    assert "Nothing is held." in released.text
    assert (newest_line(paid).kind, newest_line(paid).reference) == ("hold-released", id_)
    assert confirm(paid, form).status_code == 200


def test_a_hold_that_cannot_be_says_why(paid: Visiting) -> None:
    hold = {"shop_id": SHOP_ID, "transaction": UUID, "reason": "a lawsuit"}
    wrong = [
        send(paid, "holds", **hold | {"transaction": "f" * 32}),
        send(paid, "holds", **hold | {"reason": " "}),
        send(paid, "holds", **hold | {"until": "2001-01-01"}),
        send(paid, "holds", **hold | {"until": "soon"}),
    ]

    assert {page.status_code for page in wrong} == {422}
    assert all('role="alert"' in page.text for page in wrong)
    assert send(paid, "holds/nothing/release").status_code == 404


def test_the_certificate_is_signed_by_the_log(paid: Visiting, signer: LogSigner) -> None:
    id_ = erasure_id(erase(paid))
    address = f"{HERE}/certificates/{id_}"

    signed, printed = paid.get(address), paid.get(f"{address}/printable")

    assert read_certificate(signed.text, signer)["erasure"] == id_
    assert signed.headers["Content-Disposition"] == f'attachment; filename="erasure-{id_}.txt"'
    assert f"Certificate of the erasure {id_}" in printed.text
    assert f'href="{address}"' in paid.get(HERE).text
    assert paid.get(f"{HERE}/certificates/nothing").status_code == 404


def test_without_the_log_key_the_page_says_what_is_missing(
    paid: Visiting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("web.pages.privacy.WAIT_SECONDS", 0)
    elsewhere = Visiting(a_ledger(paid.ledger.database))
    elsewhere.sign_in("operator")

    refused = erase(elsewhere)
    begun = phases(paid.ledger)
    certificate = elsewhere.get(f"{HERE}/certificates/nothing")

    assert (refused.status_code, begun) == (503, ["intent"])
    assert "Nobody has signed the log in time." in refused.text
    assert 'class="pill waiting">begun' in refused.text
    assert certificate.status_code == 503
    assert "The log key is not on this machine" in certificate.text
    assert erase(paid).status_code == 200  # it goes on
    assert phases(paid.ledger) == ["intent", "done"]


@pytest.mark.parametrize("role", ["auditor", "auditor-personal", "operator"])
def test_it_is_for_operators_of_all_shops_alone(paid: Visiting, role: str) -> None:
    shops = [SHOP_ID] if role == "operator" else None
    add_somebody(paid.ledger, "somebody else", role, shops=shops)
    visit = Visiting(paid.ledger)
    visit.sign_in("somebody else")
    token = csrf_token(visit.get("/test").text)
    paths = ("", "/certificates/x", "/certificates/x/printable")

    refused = [
        *(visit.get(HERE + path) for path in paths),
        *(visit.client.post(f"{HERE}/{step}", data={"csrf_token": token}) for step in STEPS),
    ]

    assert [page.status_code for page in refused] == [403] * 8
    assert HERE not in visit.get("/test").text
    assert HERE in paid.get("/test").text
    assert newest_line(paid).kind == "refused"


def test_no_form_is_read_without_its_token(paid: Visiting) -> None:
    fields = {"shop_id": SHOP_ID, "email": EMAIL}

    for step in STEPS:
        assert paid.client.post(f"{HERE}/{step}", data=fields).status_code == 400
        assert paid.client.get(f"{HERE}/{step}").status_code == 405


def test_nothing_of_a_person_stands_in_an_address_a_header_or_a_log(
    paid: Visiting, capfd: pytest.CaptureFixture[str]
) -> None:
    capfd.readouterr()

    answers = [find(paid), find(paid, email=f"{EMAIL} @"), preview(paid), erase(paid)]

    with paid.ledger.database.connect() as connection:
        written = "".join(capfd.readouterr()) + repr(accesses(connection, limit=99))
    assert "privacy/erase" in written
    for said in (EMAIL, EMAIL.replace("@", "%40"), EMAIL.partition("@")[0] + "@"):
        assert said not in written
        for answer in answers:
            assert said not in answer.request.url + str(answer.headers)
            assert not re.search(rf'(?:href|action)="[^"]*{re.escape(said)}', answer.text)
