"""Starts the identity provider of `tests/web/identity_provider`, and fills in its forms."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urljoin, urlsplit

import pytest
import requests

PROGRAM = Path(__file__).resolve().parents[1] / "identity_provider" / "provider.js"
INSTALLED = "LEDGER_TEST_IDENTITY_PROVIDER"
"""Names the folder in which `npm ci` has installed what the program needs."""


@dataclass
class RealProvider:
    """A provider that runs: `issuer` tells groups on demand, `eager_issuer` in the ID token."""

    issuer: str
    eager_issuer: str

    def sign_in(self, address: str, login: str, *, return_to: str) -> dict[str, str]:
        """Do what a person does in a browser who signs in there and consents.

        Shape: the query with which the browser is sent back.
        """
        with requests.Session() as browser:
            shown = self._follow(browser, browser.get(address, allow_redirects=False), return_to)
            for form in (
                {"prompt": "login", "login": login, "password": "any"},
                {"prompt": "consent"},
            ):
                assert shown.status_code == 200, shown.text
                action = re.search(r'<form[^>]* action="([^"]+)"', shown.text)
                assert action is not None, shown.text
                to = urljoin(shown.url, action[1])
                shown = browser.post(to, data=form, allow_redirects=False)
                shown = self._follow(browser, shown, return_to)
        return _query_of(shown.headers["Location"])

    def leave(self, address: str, *, return_to: str) -> dict[str, str]:
        """Do what a person does who does not want to sign in."""
        with requests.Session() as browser:
            shown = self._follow(browser, browser.get(address, allow_redirects=False), return_to)
            abort = browser.get(f"{shown.url}/abort", allow_redirects=False)
            return _query_of(self._follow(browser, abort, return_to).headers["Location"])

    def _follow(
        self, browser: requests.Session, shown: requests.Response, return_to: str
    ) -> requests.Response:
        """Follow as a browser does, up to the address to return to, which nobody serves here."""
        while shown.is_redirect and not shown.headers["Location"].startswith(return_to):
            to = urljoin(shown.url, shown.headers["Location"])
            shown = browser.get(to, allow_redirects=False)
        return shown


@contextmanager
def running_provider(folder: Path, *, return_to: str, client_secret: str) -> Iterator[RealProvider]:
    """Run the provider. Where npm could not bring it, its tests say so and are skipped."""
    installed = Path(os.environ.get(INSTALLED, "nowhere")) / "node_modules"
    if shutil.which("node") is None or not installed.is_dir():
        hint = (
            f"no identity provider: npm ci in a copy of {PROGRAM.parent.name}, named by {INSTALLED}"
        )
        pytest.skip(hint)
    shutil.copytree(PROGRAM.parent, folder, dirs_exist_ok=True)
    (folder / "node_modules").symlink_to(installed)
    with (folder / "provider.log").open("wb") as log:
        process = subprocess.Popen(
            ["node", PROGRAM.name],
            cwd=folder,
            env=os.environ | {"RETURN_TO": return_to, "CLIENT_SECRET": client_secret},
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert line.startswith("issuers "), (folder / "provider.log").read_text()
            yield RealProvider(*line.split()[1:])
        finally:
            process.kill()
            process.communicate()


def _query_of(address: str) -> dict[str, str]:
    return {name: texts[0] for name, texts in parse_qs(urlsplit(address).query).items()}
