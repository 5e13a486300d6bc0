"""A database is named without its passwords, wherever in its URL they stand."""

import pytest

from ledger.storage.database_location import masked_url, without_secrets


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("sqlite:///var/ledger.sqlite", "sqlite:///var/ledger.sqlite"),
        ("postgresql://ledger@db/x?sslmode=require", "postgresql://ledger@db/x?sslmode=require"),
        ("postgresql://ledger:s3cret@db/x", "postgresql://ledger:***@db/x"),
        ("postgresql+psycopg://ledger:s3cret@db/x", "postgresql://ledger:***@db/x"),
        ("postgresql://ledger:a@s3cret@db/x", "postgresql://ledger:***@***@db/x"),
        ("postgresql://ledger:a/s3cret?@db/x", "postgresql://ledger:***@db/x"),
        ("postgresql://db/x?password=s3cret", "postgresql://db/x?password=***"),
        ("postgresql://db/x?password=a&password=s3cret", "postgresql://db/x?password=***"),
        ("postgresql://db/x?sslpassword=s3cret", "postgresql://db/x?sslpassword=***"),
        ("postgresql://db/x?options=-c%20a.b%3Ds3cret", "postgresql://db/x?options=***"),
        ("postgresql://db/x?PassWord=s3cret", "postgresql://db/x?PassWord=***"),
        ("sqlite:///x?key=s3cret", "sqlite:///x?key=***"),
        ("postgresql://ledger:a@b:s3cret@db/x", "postgresql://***"),
        ("s3cret", "***"),
    ],
)
def test_a_url_is_shown_without_its_passwords(url: str, shown: str) -> None:
    assert masked_url(url) == shown


def test_a_driver_that_repeats_a_part_of_a_url_is_masked() -> None:
    url = "postgresql://ledger:a@s3cret@db/x?options=more"

    assert without_secrets("no host 's3cret@db', more", url) == "no host '***@db', ***"
