"""What the container files ship as an example is set up as the documents advise."""

import re
from pathlib import Path

from ledger.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
COMPOSE = (ROOT / "compose.yaml").read_text()


def block(name: str) -> str:
    """Return the lines of one service."""
    found_block = re.search(rf"^  {name}:\n((?:    .*\n|\n)+)", COMPOSE, re.MULTILINE)
    assert found_block is not None
    return found_block[1]


def test_the_owner_migrates_and_the_service_serves() -> None:
    assert '["migrate", "--service-role", "ledger_service"]' in block("migrate")
    assert "postgresql://ledger_owner:" in block("migrate")
    assert "postgresql://ledger_service:" in block("ledger")
    assert "LEDGER_OWNER_PASSWORD" not in block("ledger")
    assert "POSTGRES_PASSWORD" not in block("ledger") + block("migrate")
    assert "./deploy/roles.sql:/docker-entrypoint-initdb.d/" in block("postgres")


def test_the_proxy_in_front_is_trusted() -> None:
    """Without it all callers would share one address, and one room in quarantine."""
    trusted = re.search(r"LEDGER_TRUSTED_PROXIES: \$\{LEDGER_TRUSTED_PROXIES:-([0-9.]+)\}", COMPOSE)

    assert trusted is not None
    assert f"gateway: {trusted[1]}\n" in COMPOSE
    assert '"127.0.0.1:8000:8000"' in block("ledger"), "only this machine may be that gateway"


def test_every_setting_of_the_containers_is_one() -> None:
    named = set(re.findall(r"^ +LEDGER_([A-Z_]+):", COMPOSE, re.MULTILINE))

    assert {name.lower() for name in named} - {"owner_password", "service_password"} <= set(
        Settings.__dataclass_fields__
    )


def test_the_base_image_is_the_operators_choice() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text()

    assert re.findall(r"^FROM (\S+)", dockerfile, re.MULTILINE) == ["${BASE_IMAGE}"] * 2
    assert re.search(r"^ARG BASE_IMAGE=python:", dockerfile, re.MULTILINE)
    assert "BASE_IMAGE: ${LEDGER_BASE_IMAGE:-" in COMPOSE


def test_no_process_leaves_its_memory_behind() -> None:
    assert "core: 0" in COMPOSE
