"""The vocabulary of facts is closed: what is declared nowhere cannot get into an event."""

import re
import runpy
from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger.ipn import form_v2_fields, rest_v4_fields

TABLE = re.compile(r"^(\w+): FactTable = \(.*$", re.MULTILINE)


def fact_tables() -> Iterator[tuple[Path, str]]:
    for module in (form_v2_fields, rest_v4_fields):
        path = Path(module.__file__)
        yield from ((path, table[1]) for table in TABLE.finditer(path.read_text()))


@pytest.mark.parametrize(("path", "table"), list(fact_tables()))
def test_a_table_with_a_fact_that_is_not_declared_cannot_be_imported(
    tmp_path: Path, path: Path, table: str
) -> None:
    row = '\n    ("card_country", "vads_card_country", Values.text),'
    changed = tmp_path / path.name
    changed.write_text(
        TABLE.sub(lambda match: match[0] + (row if match[1] == table else ""), path.read_text())
    )

    with pytest.raises(AssertionError, match=r"not declared in .*: card_country"):
        runpy.run_path(str(changed))
