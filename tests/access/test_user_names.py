"""The one spelling of a name that account and brakes share."""

import pytest

from ledger.access.guessing import Origin, sign_in_brakes
from ledger.access.user_names import name_key
from ledger.access.users import add_user, user_by_name
from ledger.storage.database import Database
from tests.builders import NOON

PASSWORD = "correct horse battery"
SPELLINGS = [
    *("Jo Doe", "JO DOE", " jo doe ", "jo  doe", "jo\tdoe", "jo\u00a0doe", "jo\u3000doe"),
    *("ｊｏ ｄｏｅ", "𝐣𝐨 𝐝𝐨𝐞", "j\u200bo doe", "jo doe\ufeff", "\u202ejo doe", "jo\u00ad doe"),
]
ORIGIN = Origin(network="192.0.2.1", site="192.0.2.1")


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_every_spelling_is_one_person_and_one_brake(database: Database, spelling: str) -> None:
    with database.begin() as connection:
        jo = add_user(connection, name="Jo Doe", password=PASSWORD, role="auditor", now=NOON)

        assert user_by_name(connection, spelling) == jo
    assert sign_in_brakes(spelling, ORIGIN) == sign_in_brakes("Jo Doe", ORIGIN)


@pytest.mark.parametrize(
    ("name", "same"),
    [("straße", "STRASSE"), ("İ", "i̇"), ("Ω", "ω"), ("é", "e\u0301"), ("ﬁn", "FIN"), ("ſ", "S")],
)
def test_case_and_accents_make_no_second_person(name: str, same: str) -> None:
    assert name_key(name) == name_key(same)


def test_names_that_differ_stay_apart() -> None:
    assert len({name_key(name) for name in ("jo", "jo doe", "jodoe", "joe", "")}) == 5


@pytest.mark.parametrize("name", ["jo\x00 doe", "jo doe\ud800"])
def test_a_name_that_no_database_stores_is_nobodys(database: Database, name: str) -> None:
    with database.begin() as connection:
        add_user(connection, name="Jo Doe", password=PASSWORD, role="auditor", now=NOON)

        assert user_by_name(connection, name) is None
