"""What is written to a read model is read back as it was, however many rows go at once."""

from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import BigInteger, Column, Float, MetaData, Table, Text, select

from ledger.projections.definition import Row
from ledger.projections.engine.writing import COPY_FROM, add_rows, write_rows
from ledger.storage.database import Database

_target = Table(
    "written",
    MetaData(),
    Column("id", Text, primary_key=True),
    Column("text", Text),
    Column("certain", Text, nullable=False),
    Column("number", BigInteger),
    Column("fraction", Float),
)
_text = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
_values = st.fixed_dictionaries(
    {"certain": _text},
    optional={
        "text": st.none() | _text,
        "number": st.none() | st.integers(-(2**63), 2**63 - 1),
        "fraction": st.none() | st.floats(allow_nan=False, allow_infinity=False),
        "no_column": _text,
    },
)
_HARD: list[Row] = [
    {"certain": hard, "text": hard}
    for hard in (
        "",
        "null",
        "\\N",
        "\\.",
        "\\\\.\n\\.",
        'a "quoted" word',
        '"',
        '",\n"',
        "]\n[",
        "\r\n",
        "\t,;\x01\x7f\x85\u2028",
        "\\u0041\\n",
        "’é😀",
    )
]


@pytest.fixture
def target(database: Database) -> Table:
    _target.drop(database.engine, checkfirst=True)
    _target.create(database.engine)
    return _target


def test_rows_of_a_single_column_are_added(database: Database) -> None:
    names = Table("names", MetaData(), Column("name", Text, primary_key=True))
    names.create(database.engine)
    rows: list[Row] = [{"name": "first"}, {"name": "second", "no_column": "third"}]

    with database.begin() as connection:
        add_rows(connection, names, rows)
        stored = connection.scalars(select(names.c.name).order_by(names.c.name)).all()

    assert stored == ["first", "second"]


@pytest.mark.parametrize("copies", [1, COPY_FROM])
@pytest.mark.parametrize("is_new", [True, False])
@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(variants=st.lists(_values, min_size=1, max_size=20))
@example(variants=_HARD)
def test_what_is_written_is_read_back(
    database: Database, target: Table, copies: int, is_new: bool, variants: list[Row]
) -> None:
    rows: list[Row] = [
        variant | {"id": f"{number} {copy}"}
        for copy in range(copies)
        for number, variant in enumerate(variants)
    ]
    with database.begin() as connection:
        connection.execute(target.delete())
        write_rows(connection, target, rows, new_rows=rows if is_new else ())
        stored = [dict(row) for row in connection.execute(select(target)).mappings()]

    expected = [{column.name: row.get(column.name) for column in target.columns} for row in rows]
    assert _by_id(stored) == _by_id(expected)


def _by_id(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(rows, key=lambda row: str(row["id"]))
