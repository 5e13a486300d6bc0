"""Any name can be told, also one that looks like an option."""

import json
from pathlib import Path

import pytest

from tests.builders import a_ledger, a_shop, example, form_body, receive, shops
from tests.cli.running import run, shops_file
from tests.conftest import opened


@pytest.mark.parametrize("name", ["-x", "--help", "X/history", " blanks ", "two\nlines", "a?b#c"])
def test_every_name_can_be_told(sqlite_url: str, tmp_path: Path, name: str) -> None:
    plan = example("form-v2", "subscription-created")["fields"]
    with opened(sqlite_url) as database:
        ledger = a_ledger(database, shops(a_shop()))
        receive(ledger, form_body(plan | {"vads_identifier": name, "vads_subscription": name}))
    keys = shops_file(tmp_path)

    for kind in ("alias", "subscription"):
        result = run(sqlite_url, keys, "history", kind, "--json", "--", name)

        assert json.loads(result.stdout)["item"]["alias"] == name
