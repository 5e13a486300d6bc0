"""The accountant's export by API, page and command: one file, whoever asks as they may."""

import io
import re
import zipfile
from pathlib import Path

import pytest

from tests.builders import SHOP_ID, a_form, a_shop, form_body, receive
from tests.cli.running import run
from tests.web.asking import Asking
from tests.web.pages.visiting import Visiting, add_users

PATH = "/api/v1/exports/accounting"


@pytest.fixture
def api(paid_sqlite: Asking) -> Asking:
    form = a_form(vads_trans_uuid="b2" * 16, vads_order_id="a@b.example")
    receive(paid_sqlite.ledger, form_body(form))
    paid_sqlite.follow()
    return paid_sqlite


@pytest.fixture
def pages(api: Asking) -> Visiting:
    add_users(api.ledger, api.now)
    pages = Visiting(api.ledger, now=api.now)
    pages.sign_in("auditor")
    return pages


@pytest.mark.parametrize(
    ("format_", "content_type"),
    [
        ("csv", "text/csv; charset=utf-8"),
        ("zip", "application/zip"),
        ("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    ],
)
def test_each_format_is_sent_under_its_name(api: Asking, format_: str, content_type: str) -> None:
    path = f"{PATH}?format={format_}&language=fr&zone=Europe/Paris&shop_id={SHOP_ID}&mode=test"

    answer = api.call(path)

    assert answer.headers["Content-Type"] == content_type
    named = re.fullmatch(
        r'attachment; filename="[a-z0-9-]+_test_all-days_europe-paris_up-to-event-\d+\.(\w+)"',
        answer.headers["Content-Disposition"],
    )
    assert named is not None
    assert named[1] == format_
    if format_ != "csv":
        assert zipfile.ZipFile(io.BytesIO(answer.data)).testzip() is None


@pytest.mark.parametrize(
    ("question", "status"),
    [
        ("zone=Europe/Nowhere", 422),
        ("zone=../../etc/passwd", 422),
        ("language=de", 422),
        ("format=parquet", 422),
        ("first_day=2026-03-02&last_day=2026-03-01", 422),
        ("first_day=2026-03-02&created_from=2026-03-01", 422),
        ("personal=true", 403),
        ("first_day=2026-03-02&zone=America/Lima", 200),
    ],
)
def test_what_cannot_be_answered_is_refused(api: Asking, question: str, status: int) -> None:
    assert api.call(f"{PATH}?{question}").status_code == status


def test_who_may_not_see_persons_gets_no_order_that_names_one(api: Asking) -> None:
    masked = api.call(PATH).text
    whole = api.call(f"{PATH}?personal=true", "auditor-personal").text

    assert "a@b.example" not in masked
    assert "a@b.example" in whole
    assert masked.count("\n") == whole.count("\n") == 3
    assert api.call(PATH, None).status_code == 401
    other = api.call(PATH, shops=("00000000",))
    assert other.text.count("\n") == 1


def test_the_page_offers_the_file_in_the_readers_language_and_zone(pages: Visiting) -> None:
    pages.get("/test/search?lang=fr")
    pages.get("/test/search?zone=Europe/Paris")
    page = pages.get("/test/search?operation_type=DEBIT").text

    links = re.findall(r'href="(/test/export/accounting[^"]+)"', page)
    files = [pages.get(link.replace("&amp;", "&"), buffered=True) for link in links]

    names = [file.headers["Content-Disposition"] for file in files]
    assert [name.rstrip('"').rpartition(".")[2] for name in names] == ["xlsx", "zip", "csv"]
    assert all("_test_all-days_filtered_europe-paris_up-to-event-" in name for name in names)
    header = files[-1].data.decode("utf-8-sig").partition("\r\n")[0]
    assert header.startswith("Date de paiement (Europe/Paris);Commande;")


def test_the_command_writes_the_same_file_and_says_where(
    api: Asking, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    options = ("--mode", "test", "--language", "fr", "--zone", "Europe/Paris", "--personal")
    url = api.ledger.database.engine.url.render_as_string(hide_password=False)

    named = run(url, None, "export", "accounting", *options)
    printed = run(url, None, "export", "accounting", *options, "--output", "-")

    file = tmp_path / named.stdout.strip()
    assert "_test_all-days_europe-paris_up-to-event-" in file.name
    question = "mode=test&language=fr&zone=Europe/Paris&personal=true"
    sent = api.call(f"{PATH}?{question}", "auditor-personal").data
    shop = f";{a_shop().name};{SHOP_ID};"
    nameless = sent.replace(shop.encode(), f";;{SHOP_ID};".encode())  # there is no shops file here
    assert file.read_bytes() == printed.stdout_bytes == nameless
