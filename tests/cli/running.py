"""Runs the command against a real ledger whose keys are those of the builders."""

import os
from collections.abc import Iterable
from pathlib import Path

from click.testing import CliRunner, Result

from ledger.cli import cli
from ledger.ipn.shops_and_keys import Shop
from tests.builders import KEYS_ENVIRON, a_shop


def shops_file(folder: Path, shops: Iterable[Shop] | None = None) -> Path:
    """Write the keys of these shops, or of the one shop of the builders."""
    lines = []
    for shop in [a_shop()] if shops is None else shops:
        lines += ["[[shops]]", f'id = "{shop.id}"', f'name = "{shop.name}"']
        for key in shop.keys:
            lines += ["[[shops.keys]]", f'mode = "{key.mode}"', f'kind = "{key.kind}"']
            lines += [f'secret = "{key.secret}"']
    path = folder / "shops.toml"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    path.chmod(0o600)
    return path


def run(
    url: str, shops_path: Path | None, *arguments: str, answer: str | None = None, **variables: str
) -> Result:
    """Run `ledger` with these arguments and variables. Shape: the operator types `answer`."""
    environ: dict[str, str | None] = {
        name: None for name in os.environ if name.startswith("LEDGER_")
    }
    environ |= KEYS_ENVIRON | {
        "LEDGER_DATABASE_URL": url,
        "LEDGER_SHOPS_FILE": str(shops_path) if shops_path else None,
        "LEDGER_ALLOWED_SOURCES": "any",
        **variables,
    }
    return CliRunner().invoke(cli, arguments, input=answer, env=environ)
