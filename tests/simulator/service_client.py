"""Requests one web service over real HTTP, as the shop with its password."""

import base64
import http.client
import json
from typing import Any
from urllib.parse import urlsplit

from ledger.simulator.rest_services import RestServices
from tests.simulator.conftest import SHOP_ID

PASSWORDS = {"TEST": "testpassword_Synthetic", "PRODUCTION": "prodpassword_Synthetic"}


def post(
    services: RestServices,
    service: str,
    *,
    mode: str = "TEST",
    password: str | None = None,
    method: str = "POST",
    content_type: str = "application/json",
    timeout: float = 5,
    **fields: str,
) -> tuple[int, bytes, http.client.HTTPMessage]:
    address = urlsplit(services.url)
    connection = http.client.HTTPConnection(str(address.hostname), address.port, timeout=timeout)
    pair = f"{SHOP_ID}:{password or PASSWORDS[mode]}".encode()
    headers = {
        "Authorization": f"Basic {base64.b64encode(pair).decode()}",
        "Content-Type": content_type,
    }
    try:
        connection.request(method, f"{address.path}{service}", json.dumps(fields), headers)
        response = connection.getresponse()
        return response.status, response.read(), response.headers
    finally:
        connection.close()


def envelope_of(services: RestServices, service: str, **options: Any) -> dict[str, Any]:
    status, body, _ = post(services, service, **options)
    assert status == 200
    return dict(json.loads(body))


def error_of(services: RestServices, service: str, **options: Any) -> str:
    envelope = envelope_of(services, service, **options)
    assert envelope["status"] == "ERROR"
    assert envelope["answer"]["_type"] == "V4/WebService/WebServiceError"
    return str(envelope["answer"]["errorCode"])
