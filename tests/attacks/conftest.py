"""One real service on each database for all attacks, with bounds small enough to be reached."""

import json
import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.builders import OTHER_SHOP_ID, a_shop
from tests.cli.running import run, shops_file
from tests.conftest import created
from tests.serving import Service, serving

QUARANTINE_COUNT_MAX = 300  # for each address
QUARANTINE_TOTAL_MAX = 500


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def service(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("attacked")
    shops = shops_file(folder, [a_shop(), a_shop(OTHER_SHOP_ID)])
    with ExitStack() as stack:
        url = _sqlite(request, folder)
        if request.param == "postgresql":
            template = request.getfixturevalue("postgres_template")
            server = request.getfixturevalue("postgres_server")
            url = stack.enter_context(created(server, template=template))
        attacked = stack.enter_context(
            serving(
                folder,
                url,
                shops,
                LEDGER_TRUSTED_PROXIES="127.0.0.0/8",  # so that each call may have its own address
                LEDGER_QUARANTINE_COUNT_MAX=str(QUARANTINE_COUNT_MAX),
                LEDGER_QUARANTINE_TOTAL_COUNT_MAX=str(QUARANTINE_TOTAL_MAX),
                LEDGER_RATE_PER_TOKEN="1000000/minute",
                LEDGER_RATE_PER_ADDRESS="1000000/minute",
            )
        )
        yield attacked
        assert_is_unharmed(attacked)


def _sqlite(request: pytest.FixtureRequest, folder: Path) -> str:
    path = folder / "ledger.sqlite"
    path.write_bytes(request.getfixturevalue("sqlite_template").read_bytes())
    return f"sqlite:///{path}"


def assert_is_unharmed(service: Service) -> None:
    """Nothing was a fault, every line of the log is whole, and the ledger verifies."""
    assert service.process.poll() is None
    lines = [json.loads(line) for line in service.log.read_text().splitlines()]
    is_fault = {"failed", "forged"}
    assert [line for line in lines if line["event"] in is_fault or line["level"] == "error"] == []
    assert not re.search(rb"\x1b|\xe2\x80\xa8", service.log.read_bytes())
    metrics = service.call("GET", "/metrics")[1]
    assert not re.search(r'status="5\d\d"\} [1-9]', metrics)
    done = run(service.database_url, service.shops_file, "verify")
    assert done.exit_code == 0, done.output
