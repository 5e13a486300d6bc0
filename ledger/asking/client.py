"""Sends one question to the platform, and takes back what comes, whatever it is.

Only the services of `Service` can be named. Nothing follows a redirect, so that the password
reaches the host of the shops file alone; no proxy is taken from the environment.

Source: rest-v4 reference, section 8.
"""

import base64
import hashlib
import http.client
import json
import ssl
from collections.abc import Callable
from contextlib import closing
from time import monotonic

from requests.utils import DEFAULT_CA_BUNDLE_PATH

from ledger import __version__
from ledger.ipn.asking_access import AskingAccess
from ledger.ipn.platform_answers import Question
from ledger.recording.answering import Reply

PATH = "/api-payment/V4/"
SECONDS_MAX = 60.0
"""For a whole exchange; its parts may be half as slow each."""

BODY_BYTES_MAX = 4 << 20
_CHUNK = 1 << 16

Ask = Callable[[AskingAccess, Question], Reply]
"""Sends a question by an access."""


def ask_platform(access: AskingAccess, question: Question) -> Reply:
    """Send a question by https. Shape: what goes wrong is a word in the reply, never an error."""
    deadline = monotonic() + SECONDS_MAX
    authorities = access.authorities_file or DEFAULT_CA_BUNDLE_PATH
    try:
        context = ssl.create_default_context(cafile=str(authorities))
        connection = http.client.HTTPSConnection(
            access.host, timeout=SECONDS_MAX / 2, context=context
        )
        with closing(connection):
            connection.connect()
            certificate = connection.sock.getpeercert(binary_form=True) or b""
            connection.request("POST", PATH + question.service, _body(question), _headers(access))
            reply = _reply(connection.getresponse(), deadline)
    except ssl.SSLError:
        return Reply(failed_by="tls", server=access.host)
    except TimeoutError:
        return Reply(failed_by="timeout", server=access.host)
    except http.client.HTTPException:
        return Reply(failed_by="cut", server=access.host)
    except (OSError, ValueError):  # ValueError: a name that no resolver takes
        return Reply(failed_by="unreachable", server=access.host)
    return Reply(
        reply.body,
        reply.failed_by,
        reply.http_status,
        access.host,
        hashlib.sha256(certificate).hexdigest(),
    )


def _body(question: Question) -> bytes:
    return json.dumps({question.service.parameter: question.subject}).encode()


def _headers(access: AskingAccess) -> dict[str, str]:
    credentials = f"{access.shop_id}:{access.password}".encode()
    return {
        "Authorization": f"Basic {base64.b64encode(credentials).decode()}",
        "Content-Type": "application/json",
        "Accept": "application/json",
        "Accept-Encoding": "identity",
        "User-Agent": f"ipn-ledger/{__version__}",
    }


def _reply(response: http.client.HTTPResponse, deadline: float) -> Reply:
    """Read a response. Errors: those of `http.client`; TimeoutError."""
    status = response.status
    if 300 <= status < 400:
        return Reply(failed_by="redirected", http_status=status)
    body = bytearray()
    while chunk := response.read1(_CHUNK):
        body += chunk
        if len(body) > BODY_BYTES_MAX:
            return Reply(failed_by="too-large", http_status=status)
        if monotonic() > deadline:
            raise TimeoutError
    if response.length:
        raise http.client.IncompleteRead(bytes(body))
    failed_by = None if status == http.client.OK else f"http-{status}"
    return Reply(bytes(body), failed_by, status)
