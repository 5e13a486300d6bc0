"""What the simulator holds for true shares no code, table or constant with what it tests."""

import ast
from collections.abc import Iterator
from pathlib import Path

import ledger.simulator
from ledger import errors
from ledger.ipn import shops_and_keys
from ledger.simulator import signatures
from ledger.simulator.allowed_states import FINAL_STATUSES, RANK_BY_STATUS

FOLDER = Path(ledger.simulator.__file__).parent
SHARED = {errors.__name__, shops_and_keys.__name__}
"""The classes of errors, and the keys that calls are signed with."""
FILLS_A_LEDGER = FOLDER / "bulk.py"
"""It hands deliveries to a `Ledger` and holds nothing for true."""


def imported_modules(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name} imports relatively"
            assert node.module not in ("ledger", "ledger.ipn"), f"{path.name} imports a package"
            yield str(node.module)


def test_the_simulator_imports_nothing_of_what_it_tests() -> None:
    paths = sorted(set(FOLDER.rglob("*.py")) - {FILLS_A_LEDGER})

    foreign = {
        (path.name, module)
        for path in paths
        for module in imported_modules(path)
        if module.partition(".")[0] in ("ledger", "web", "tests")
        and not module.startswith("ledger.simulator")
        and module not in SHARED
    }

    assert len(paths) > 15
    assert foreign == set()


def test_nothing_of_the_simulator_knows_how_files_are_read_or_matched() -> None:
    """Not even what fills a ledger: the files must be written by an opinion of their own."""
    paths = sorted(FOLDER.rglob("*.py"))

    knowing = {
        (path.name, module)
        for path in paths
        for module in imported_modules(path)
        if module.startswith(("ledger.reconciliation", "ledger.aggregates"))
    }

    assert FOLDER / "journals.py" in paths
    assert knowing == set()


def test_final_statuses_have_the_highest_rank() -> None:
    highest = max(RANK_BY_STATUS.values())

    assert {status for status, rank in RANK_BY_STATUS.items() if rank == highest} == FINAL_STATUSES
    assert len(RANK_BY_STATUS) == 22


def test_signatures_are_those_that_the_platform_has_published() -> None:
    """Source: form-v2 reference, section 2.4, P1 and C2."""
    published = {
        "vads_action_mode": "INTERACTIVE",
        "vads_amount": "5124",
        "vads_ctx_mode": "TEST",
        "vads_currency": "978",
        "vads_page_action": "PAYMENT",
        "vads_payment_config": "SINGLE",
        "vads_site_id": "12345678",
        "vads_trans_date": "20170129130025",
        "vads_trans_id": "123456",
        "vads_version": "V2",
        "not_signed": "x",
    }

    hmac_signature = signatures.form_signature(published, "1122334455667788")
    sha1_signature = signatures.form_signature(published, "1122334455667788", is_sha1=True)

    assert hmac_signature == "ycA5Do5tNvsnKdc/eP1bj2xa19z9q3iWPy9/rpesfS0="
    assert sha1_signature == "59c96b34c74b9375c332b0b6a32e6deeec87de2b"
