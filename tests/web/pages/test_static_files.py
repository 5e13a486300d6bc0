"""The files that pages come with: compressed for whoever takes it, and never the pages."""

import gzip
from pathlib import Path

import pytest

from tests.web.pages.visiting import Visiting
from web.pages.static_files import STATIC

NAMES = ["ledger.css", "history.js", "keys.js", "htmx-2.0.11.min.js"]


@pytest.mark.parametrize("name", NAMES)
def test_a_file_is_sent_compressed_to_whoever_takes_it(visit: Visiting, name: str) -> None:
    content = (Path(STATIC) / name).read_bytes()

    taken, plain = (
        visit.get(f"/static/{name}", buffered=True, headers={"Accept-Encoding": accepted})
        for accepted in ("br, gzip;q=0.5", "gzip;q=0, identity")
    )

    assert taken.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(taken.data) == content
    assert int(taken.headers["Content-Length"]) == len(taken.data)
    assert "Content-Encoding" not in plain.headers
    assert plain.data == content
    assert taken.headers["ETag"] != plain.headers["ETag"]
    assert "Accept-Encoding" in taken.headers["Vary"]
    assert "Accept-Encoding" in plain.headers["Vary"]


def test_a_compressed_file_is_not_sent_twice(visit: Visiting) -> None:
    first = visit.get("/static/ledger.css", buffered=True, headers={"Accept-Encoding": "gzip"})

    headers = {"Accept-Encoding": "gzip", "If-None-Match": first.headers["ETag"]}
    again = visit.get("/static/ledger.css", buffered=True, headers=headers)

    assert again.status_code == 304
    assert again.data == b""


def test_a_part_of_a_file_and_a_missing_one_are_as_they_are(visit: Visiting) -> None:
    headers = {"Accept-Encoding": "gzip", "Range": "bytes=0-9"}
    part = visit.get("/static/ledger.css", buffered=True, headers=headers)

    assert part.status_code == 206
    assert "Content-Encoding" not in part.headers
    assert visit.get("/static/none.css", headers=headers).status_code == 404


def test_pages_are_not_compressed(visit: Visiting) -> None:
    page = visit.get("/test", headers={"Accept-Encoding": "gzip"})

    assert "Content-Encoding" not in page.headers
