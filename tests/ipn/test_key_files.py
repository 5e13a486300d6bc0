"""Files that hold keys are for their owner alone."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from ledger.cli.check import findings
from ledger.errors import SettingsError
from ledger.ipn.shops_and_keys import exposed_files, read_shops
from tests.secrecy import SECRETS

NOW = datetime(2026, 7, 1, tzinfo=UTC)
EXPOSED = [0o640, 0o604, 0o620, 0o602, 0o666]
HELD = {
    "shops file": 'secret = "S3cretOfNobody"',
    "file beside it": 'secret_file = "form.key"',
}


def written(folder: Path, mode: str, secret: str) -> tuple[Path, Path]:
    """A shops file and a key file, both for their owner alone."""
    shops, key = folder / "shops.toml", folder / "form.key"
    shops.write_text(
        '[[shops]]\nid = "12345678"\n[[shops.keys]]\n'
        f'mode = "{mode}"\nkind = "form-hmac-sha256"\n{secret}\n'
    )
    key.write_text("S3cretOfNobody\n")
    for file in (shops, key):
        file.chmod(0o600)
    return shops, key


@pytest.mark.parametrize("held", HELD)
@pytest.mark.parametrize("permissions", EXPOSED, ids=oct)
def test_production_keys_that_others_can_reach_are_refused(
    tmp_path: Path, held: str, permissions: int
) -> None:
    shops, key = written(tmp_path, "PRODUCTION", HELD[held])
    assert read_shops(shops, {}).shop_by_id["12345678"].keys
    exposed = shops if held == "shops file" else key
    exposed.chmod(permissions)

    with pytest.raises(SettingsError, match="chmod 600") as refusal:
        read_shops(shops, {})

    assert str(exposed) in str(refusal.value)
    assert not SECRETS.search(str(refusal.value).encode())


@pytest.mark.parametrize("held", HELD)
def test_test_keys_that_others_can_reach_are_told_of(tmp_path: Path, held: str) -> None:
    shops, key = written(tmp_path, "TEST", HELD[held])
    assert exposed_files(shops) == []
    exposed = shops if held == "shops file" else key
    exposed.chmod(0o644)

    environ = {"LEDGER_SHOPS_FILE": str(shops), "LEDGER_DATABASE_URL": f"sqlite:///{tmp_path}/x"}
    warnings = [each.message for each in findings(environ, now=NOW) if each.state == "warning"]

    assert read_shops(shops, {}).shop_by_id["12345678"].keys
    assert f"{exposed} holds keys and others can read it: chmod 600 {exposed}" in warnings


def test_a_file_that_holds_no_key_may_be_read(tmp_path: Path) -> None:
    shops, _ = written(tmp_path, "PRODUCTION", 'secret_env = "FORM_KEY"')
    shops.chmod(0o644)

    assert read_shops(shops, {"FORM_KEY": "S3cretOfNobody"}).shop_by_id["12345678"].keys
