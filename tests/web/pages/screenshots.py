"""The pictures of the README: `python -m tests.web.pages.screenshots` makes them anew."""

import tempfile
from pathlib import Path

from playwright.sync_api import Browser

from ledger.projections.engine.leadership import prepare_views
from ledger.storage.database import Database
from ledger.storage.migrations import migrate
from tests.web.pages.lately import Clock, a_lately_ledger, hear_a_month
from tests.web.pages.visiting import SETTINGS, Visitor, add_users, served, started_browser
from web import create_app

FOLDER = Path(__file__).resolve().parents[3] / "docs" / "pictures"
LIVES = 420


def take(browser: Browser, folder: Path, *, lives: int = LIVES) -> list[Path]:
    """Write the overview and the page of a refunded order. Shape: the files."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as place:
        database = Database(f"sqlite:///{place}/ledger.sqlite")
        try:
            return _taken(browser, database, folder, lives)
        finally:
            database.dispose()


def _taken(browser: Browser, database: Database, folder: Path, lives: int) -> list[Path]:
    migrate(database)
    prepare_views(database)
    clock = Clock()
    ledger = a_lately_ledger(database, clock)
    hear_a_month(ledger, clock, lives=lives)
    add_users(ledger, clock.now)
    app = create_app(SETTINGS, ledger, clock=clock)
    with served(app) as url:
        visitor = Visitor(browser, url, app)
        page = visitor.open("/production", role="auditor")
        files = [folder / "overview.png", folder / "order.png"]
        page.screenshot(path=files[0])
        page.goto("/production/search?operation_type=CREDIT&currency=EUR&status=CAPTURED")
        page.locator("#found tbody .order a").first.click()
        page.wait_for_load_state()
        page.set_viewport_size({"width": 1120, "height": 1040})
        page.evaluate("scrollTo(0, 115)")  # the head is on the other picture
        page.screenshot(path=files[1])
        visitor.close()
    return files


if __name__ == "__main__":
    with started_browser() as browser:
        take(browser, FOLDER)
