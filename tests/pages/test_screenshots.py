"""The pictures of the README can be made anew at any time."""

from pathlib import Path

from playwright.sync_api import Browser

from tests.pages.screenshots import take

BYTES_MAX = 150_000
PICTURES = Path(__file__).resolve().parents[2] / "docs" / "pictures"


def test_the_pictures_are_made_by_a_command(browser: Browser, tmp_path: Path) -> None:
    """`python -m tests.pages.screenshots`."""
    taken = take(browser, tmp_path, lives=20)

    assert [one.read_bytes()[:4] for one in taken] == [b"\x89PNG"] * 2
    assert {one.name for one in taken} == {one.name for one in PICTURES.iterdir()}
    assert all(one.stat().st_size < BYTES_MAX for one in PICTURES.iterdir())
