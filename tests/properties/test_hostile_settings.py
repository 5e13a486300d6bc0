"""Whatever stands in a file, a variable, a header or a question, it is read or refused in words."""

import contextlib
import re
from collections.abc import Callable
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Request

from ledger.access.tokens import find_token
from ledger.errors import SettingsError
from ledger.instants import read_as_of
from ledger.ipn.shops_and_keys import read_shops
from ledger.settings import read_settings
from ledger.storage.database import Database
from tests.builders import NOON
from tests.properties.conftest import examples
from web.addresses import client_address

TEXT = st.text(max_size=40)


def refusal(read: Callable[[], object]) -> str:
    """Return why reading was refused; empty when it was not."""
    try:
        read()
    except SettingsError as error:
        return str(error)
    return ""


LINES = st.lists(
    st.sampled_from(
        [
            *("[[shops]]", "[[shops.keys]]", 'id = "12345678"', "id = 1", 'name = "x"'),
            *('mode = "TEST"', 'mode = "PRODUCTION"', "mode = []", 'kind = "rest-password"'),
            *('kind = "x"', 'secret = "S3cretOfNobody"', "secret = 1", 'secret_file = "no/such"'),
            *('secret_file = "."', 'secret_env = "NOWHERE"', "not_before = 2026-01-01"),
            *("not_after = 0001-01-01T00:00:00+14:00", "not_after = 9999-12-31T23:59:59-14:00"),
            *('extra = "S3cretOfNobody"', "[shops]", 'secret = "S3cretOfNobody', "keys = {}"),
        ]
    )
    | TEXT,
    max_size=12,
)


@examples(40)
@given(lines=LINES, noise=st.binary(max_size=20))
def test_any_shops_file_is_read_or_refused_without_its_secrets(
    tmp_path: Path, lines: list[str], noise: bytes
) -> None:
    path = tmp_path / "shops.toml"
    path.touch(mode=0o600)
    path.write_bytes("\n".join(lines).encode("utf-8", "surrogatepass") + noise)

    assert "S3cretOfNobody" not in refusal(lambda: read_shops(path, {}))


@examples(40)
@given(
    environ=st.dictionaries(
        st.sampled_from([f"LEDGER_{name.upper()}" for name in vars(read_settings({}))]),
        TEXT
        | st.sampled_from(["1", "0", "-1", "²", "1/minute", "10.0.0.0/8", "::/0", "postgres://"]),
    )
)
def test_any_environment_is_read_or_refused_by_the_name_of_its_variable(
    environ: dict[str, str],
) -> None:
    reason = refusal(lambda: read_settings(environ))

    assert reason == "" or re.search(r"LEDGER_[A-Z_]+", reason)


@examples(40)
@given(forwarded=TEXT, peer=TEXT | st.sampled_from(["10.0.0.1", "::1", "fe80::1%eth0"]))
def test_any_forwarded_address_leaves_an_address_or_nothing(forwarded: str, peer: str) -> None:
    trusted = read_settings({"LEDGER_TRUSTED_PROXIES": "10.0.0.0/8 ::1"}).trusted_proxies
    environ = EnvironBuilder().get_environ()
    environ["HTTP_X_FORWARDED_FOR"], environ["REMOTE_ADDR"] = forwarded, peer

    address = client_address(Request(environ), trusted)

    assert re.fullmatch(r"[0-9a-f.:]*(%.*)?", address)


@examples(40)
@given(
    text=TEXT | st.sampled_from(["2026-03-10T12:00:00Z", "0001-01-01", "9999-12-31T23:59:59-14:00"])
)
def test_any_instant_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(ValueError):
        assert read_as_of(text).tzinfo is not None


@examples(40)
@given(secret=st.text(max_size=80))
def test_any_token_is_unknown(sqlite_template: Path, secret: str) -> None:
    database = Database(f"sqlite:///{sqlite_template}", pool_size=1)
    with database.connect() as connection:
        assert find_token(connection, secret, now=NOON) is None
    database.dispose()
