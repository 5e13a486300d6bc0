"""One real service on each database for all attacks, with bounds small enough to be reached."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.builders import OTHER_SHOP_ID, a_shop
from tests.cli.running import shops_file
from tests.conftest import created
from tests.serving import Service, serving

QUARANTINE_COUNT_MAX = 300  # for each address
QUARANTINE_TOTAL_MAX = 500


@pytest.fixture(scope="package", params=["sqlite", "postgresql"])
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
        yield stack.enter_context(
            serving(
                folder,
                url,
                shops,
                LEDGER_ALLOWED_SOURCES="any",
                LEDGER_TRUSTED_PROXIES="127.0.0.0/8",  # so that each call may have its own address
                LEDGER_QUARANTINE_COUNT_MAX=str(QUARANTINE_COUNT_MAX),
                LEDGER_QUARANTINE_TOTAL_COUNT_MAX=str(QUARANTINE_TOTAL_MAX),
                LEDGER_RATE_PER_TOKEN="1000000/minute",
                LEDGER_RATE_PER_ADDRESS="1000000/minute",
            )
        )


def _sqlite(request: pytest.FixtureRequest, folder: Path) -> str:
    path = folder / "ledger.sqlite"
    path.write_bytes(request.getfixturevalue("sqlite_template").read_bytes())
    return f"sqlite:///{path}"
