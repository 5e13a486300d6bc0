"""Files are compressed for whoever understands it, and still arrive part by part."""

import gzip
import zlib

import pytest

from ledger.queries import export_formats
from tests.web.asking import Asking
from tests.web.pages.visiting import Visiting, add_users

EXPORTS = "/api/v1/exports"
TEXTS = [
    f"{EXPORTS}/{kind}?file_format={format_}"
    for kind in ("events", "transactions", "notifications")
    for format_ in ("csv", "jsonl")
]


@pytest.fixture
def api(paid_sqlite: Asking) -> Asking:
    paid_sqlite.follow()
    return paid_sqlite


@pytest.mark.parametrize("path", TEXTS)
def test_a_compressed_file_is_the_same_file(api: Asking, path: str) -> None:
    plain = api.call(path)
    zipped = api.call(path, headers={"Accept-Encoding": "br, gzip;q=0.8"})

    assert gzip.decompress(zipped.data) == plain.data != b""
    assert zipped.headers["Content-Encoding"] == "gzip"
    assert "Content-Encoding" not in plain.headers
    assert zipped.headers["Content-Type"] == plain.headers["Content-Type"]
    for answer in (plain, zipped):
        assert "Accept-Encoding" in answer.headers["Vary"]
        assert "attachment" in answer.headers["Content-Disposition"]


@pytest.mark.parametrize("accepted", ["", "identity", "br", "gzip;q=0", "gzip;q=0, *;q=0"])
def test_who_does_not_ask_for_it_gets_none(api: Asking, accepted: str) -> None:
    answer = api.call(f"{EXPORTS}/events", headers={"Accept-Encoding": accepted})

    assert "Content-Encoding" not in answer.headers
    assert answer.text.startswith("position,")


def test_parquet_is_compressed_by_itself(api: Asking) -> None:
    path = f"{EXPORTS}/events?file_format=parquet"

    answer = api.call(path, headers={"Accept-Encoding": "gzip"})

    assert "Content-Encoding" not in answer.headers
    assert answer.data.startswith(b"PAR1")


def test_every_part_can_be_read_when_it_arrives(
    api: Asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export_formats, "CHUNK_ROWS", 1)
    path = f"{EXPORTS}/events?file_format=jsonl"
    lines = api.call(path).data.splitlines(keepends=True)

    zipped = api.call(path, headers={"Accept-Encoding": "gzip"}, buffered=False)
    unzipper = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
    parts = [unzipper.decompress(part) for part in zipped.iter_encoded()]
    zipped.close()

    assert parts == [*lines, b""]
    assert unzipper.eof


def test_the_file_of_a_page_is_compressed_too(api: Asking) -> None:
    pages = Visiting(api.ledger, now=api.now)
    add_users(api.ledger, api.now)
    pages.sign_in("auditor")
    path = "/test/export/transactions"

    plain = pages.get(path)
    zipped = pages.get(path, headers={"Accept-Encoding": "gzip"})

    assert gzip.decompress(zipped.data) == plain.data != b""
