"""Read from the query API of a running service with a token, as an auditor would."""

import http.client
import json
import time
from contextlib import closing
from typing import Any
from urllib.parse import urlsplit

from ledger.errors import LedgerError, SettingsError
from ledger.simulator.sender import NoServiceError

TIMEOUT_SECONDS = 30
BUSY_SECONDS_MAX = 300
"""The time to wait, all in all, for a service that limits how often it is asked."""

_BUSY = (429, 503)


class ApiAnswerError(LedgerError, code="not-answered"):
    """The query API answered with a status that no request of ours should have."""


class ApiClient:
    """One service, read with one token. Errors: SettingsError when the token is not enough."""

    def __init__(self, url: str, token: str) -> None:
        self._url = urlsplit(url)
        self._token = token

    def get(self, path: str) -> Any:
        """Return the JSON at this address, or None when there is nothing.

        Errors: NoServiceError, SettingsError, ApiAnswerError.
        """
        until = time.monotonic() + BUSY_SECONDS_MAX
        while True:
            status, retry_after, content = self._exchange(path)
            if status not in _BUSY or time.monotonic() > until:
                break
            time.sleep(min(retry_after, 5))
        if status == 404:
            return None
        if status in (401, 403):
            raise SettingsError(f"the token may not ask for this ({status}): see `ledger token`")
        if status != 200:
            raise ApiAnswerError(f"{path.partition('?')[0]} was answered {status}")
        return json.loads(content)

    def _exchange(self, path: str) -> tuple[int, float, bytes]:
        is_https = self._url.scheme == "https"
        kind = http.client.HTTPSConnection if is_https else http.client.HTTPConnection
        host, port = self._url.hostname or "", self._url.port
        with closing(kind(host, port, timeout=TIMEOUT_SECONDS)) as connection:
            try:
                headers = {"Authorization": f"Bearer {self._token}"}
                connection.request("GET", self._url.path.rstrip("/") + path, headers=headers)
                response = connection.getresponse()
                retry_after = float(response.headers.get("Retry-After", "1"))
                return response.status, retry_after, response.read()
            except (OSError, http.client.HTTPException) as error:
                raise NoServiceError(f"the query API does not answer ({error})") from error
