"""The pictures of the README can be made anew at any time."""

from pathlib import Path

from playwright.sync_api import Browser

from tests.web.pages.screenshots import take

BYTES_MAX = 200_000
PICTURES = Path(__file__).resolve().parents[3] / "docs" / "pictures"


def test_the_pictures_are_made_by_a_command(browser: Browser, tmp_path: Path) -> None:
    """`python -m tests.web.pages.screenshots`."""
    taken = take(browser, tmp_path, lives=20)

    assert [file.read_bytes()[:4] for file in taken] == [b"\x89PNG"] * 2
    assert {file.name for file in taken} == {file.name for file in PICTURES.iterdir()}
    assert all(file.stat().st_size < BYTES_MAX for file in PICTURES.iterdir())
