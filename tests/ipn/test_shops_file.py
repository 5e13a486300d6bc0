"""What is wrong with a shops file is said with its shop, its key and what to write instead."""

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ledger.cli.shop_findings import shop_findings
from ledger.errors import SettingsError
from ledger.ipn.shops_and_keys import read_shops
from ledger.settings import Settings

SHOP = '[[shops]]\nid = "73239078"\n'
KEY = '[[shops.keys]]\nmode = "TEST"\nkind = "form-hmac-sha256"\nsecret = "S3cretOfNobody"\n'


def refused(folder: Path, text: str) -> list[str]:
    """Return the lines in which a file is refused, without its name."""
    path = folder / "shops.toml"
    path.write_text(text, encoding="utf-8")
    path.chmod(0o600)
    with pytest.raises(SettingsError) as caught:
        read_shops(path, {})
    lines = [str(caught.value), *getattr(caught.value, "__notes__", [])]
    assert not any("S3cretOfNobody" in line for line in lines)
    return [line.removeprefix(f"the shops file {path}: ") for line in lines]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (
            SHOP + KEY.replace("secret", "secrets"),
            "shop 73239078, key 1: unknown field `secrets`; did you mean `secret`?",
        ),
        (
            SHOP + KEY + KEY.replace("kind", "knid"),
            "shop 73239078, key 2: unknown field `knid`; did you mean `kind`?",
        ),
        (
            SHOP + KEY.replace("shops.keys", "shops.key"),
            "shop 73239078: unknown field `key`; did you mean `keys`?",
        ),
        (SHOP.replace("shops", "shop") + "x = 1", "unknown table `shop`; did you mean `shops`?"),
        (SHOP + SHOP.replace("shops", "Shops"), "unknown table `Shops`; did you mean `shops`?"),
        (SHOP.replace("[[shops]]", "[shops]"), "`shops` must be a list of tables: write [[shops]]"),
        (
            SHOP + KEY.replace("[[shops.keys]]", "[shops.keys]"),
            "shop 73239078: `keys` must be a list of tables: write [[shops.keys]]",
        ),
        ("", "`shops` is missing"),
        ("shops = [1]", "shop 1: must be a table"),
        (SHOP.replace("73239078", "7323907"), "shop 7323907: `id` must be 8 or 9 digits"),
        (SHOP.replace('"', ""), 'shop 73239078: `id` must be text, in quotes: "…"'),
        (SHOP.replace("id =", "name ="), "shop 1: `id` is missing"),
        (SHOP + "\n" + SHOP, "`shops` hold 73239078 more than once"),
        (
            SHOP + KEY.replace("TEST", "TESTS"),
            "shop 73239078, key 1: `mode` must be TEST or PRODUCTION; did you mean `TEST`?",
        ),
        (
            SHOP + KEY.replace("form-hmac-sha256", "hmac-sha256"),
            "shop 73239078, key 1: `kind` must be one of form-hmac-sha256, form-sha1,"
            " rest-password, rest-hmac; did you mean `form-hmac-sha256`?",
        ),
        (
            SHOP + KEY + 'secret_env = "X"',
            "shop 73239078, key 1: `secret` or secret_env or secret_file: give one of them",
        ),
        (
            SHOP + KEY + "not_after = 2026-01-01",
            "shop 73239078, key 1: `not_after` must be a date-time with an offset,"
            " as 2026-01-01T00:00:00Z",
        ),
        (
            SHOP + KEY.partition("secret")[0] + 'secret_env = "NOWHERE"',
            "shop 73239078, key 1: the environment variable NOWHERE holds no key",
        ),
        (
            SHOP + KEY.partition("secret")[0] + 'secret_file = "nowhere"',
            "shop 73239078, key 1: the file nowhere cannot be read: No such file or directory",
        ),
    ],
)
def test_a_mistake_is_one_line(tmp_path: Path, text: str, line: str) -> None:
    assert refused(tmp_path, text) == [line]


def test_each_mistake_has_a_line(tmp_path: Path) -> None:
    text = SHOP + KEY.replace("secret", "secrets") + KEY.replace("mode", "modus")

    assert refused(tmp_path, text) == [
        "shop 73239078, key 1: unknown field `secrets`; did you mean `secret`?",
        "shop 73239078, key 2: unknown field `modus`; did you mean `mode`?",
    ]


@pytest.mark.parametrize(("name", "reason"), [("none", "No such file"), (".", "Is a directory")])
def test_a_file_that_cannot_be_read_is_told(tmp_path: Path, name: str, reason: str) -> None:
    with pytest.raises(SettingsError, match=reason):
        read_shops(tmp_path / name, {})


def test_a_file_that_is_no_toml_is_told_by_its_line(tmp_path: Path) -> None:
    (line,) = refused(tmp_path, SHOP + 'name = "S3cretOfNobody\n')

    assert "line 3" in line


def warnings(folder: Path, mode: str, kind: str, secret: str) -> list[str]:
    """Return what a check says of a key's looks."""
    path = folder / "shops.toml"
    path.touch(0o600)
    keys = f'[[shops.keys]]\nmode = "{mode}"\nkind = "{kind}"\nsecret = "{secret}"\n'
    path.write_text(SHOP + keys, encoding="utf-8")
    now = datetime(2026, 7, 1, tzinfo=UTC)
    findings = list(shop_findings(Settings(shops_file=path), os.environ, now=now))
    assert not any(secret in finding.message for finding in findings)
    messages = [each.message for each in findings if each.state == "warning"]
    return [each.partition("): ")[2] for each in messages if each.startswith("shop 73239078, key")]


@pytest.mark.parametrize(
    ("mode", "kind", "secret", "remarks"),
    [
        ("TEST", "rest-password", "testpassword_abc", []),
        ("PRODUCTION", "rest-password", "prodpassword_abc", []),
        ("TEST", "rest-hmac", "abcdef", []),
        ("TEST", "form-sha1", "1234567890123456", []),
        (
            "TEST",
            "rest-password",
            "abcdef",
            ["it does not begin with testpassword_, as a password of the REST API does"],
        ),
        (
            "PRODUCTION",
            "rest-password",
            "testpassword_abc",
            ["it begins as a password of the other mode does"],
        ),
        (
            "TEST",
            "form-hmac-sha256",
            "testpassword_abc",
            ["it has the form of a password of the REST API; did you mean `rest-password`?"],
        ),
        (
            "TEST",
            "rest-hmac",
            "73239078:testpublickey_abc",
            ["it is a public key of the REST API, which signs nothing"],
        ),
        (
            "TEST",
            "form-hmac-sha256",
            "key: abc",
            ["it has blanks inside; was more than the key pasted?"],
        ),
    ],
)
def test_a_key_that_does_not_look_like_one_is_warned_of(
    tmp_path: Path, mode: str, kind: str, secret: str, remarks: list[str]
) -> None:
    assert warnings(tmp_path, mode, kind, secret) == remarks


LABEL = '[[shops.labels]]\nlabel = "Date du paiement"\nmeans = "PAYMENT_DATE"\n'


def test_renamed_labels_of_a_shop_are_read(tmp_path: Path) -> None:
    path = tmp_path / "shops.toml"
    path.write_text(SHOP + KEY + LABEL + LABEL.replace("Date du paiement", "Jour"), "utf-8")
    path.chmod(0o600)

    (shop,) = read_shops(path, {}).shop_by_id.values()

    assert shop.labels == (("Date du paiement", "PAYMENT_DATE"), ("Jour", "PAYMENT_DATE"))


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (
            LABEL.replace("means", "mean"),
            "shop 73239078, label 1: unknown field `mean`; did you mean `means`?",
        ),
        (LABEL.partition("means")[0], "shop 73239078, label 1: `means` is missing"),
        (
            LABEL.replace("[[shops.labels]]", "[shops.labels]"),
            "shop 73239078: `labels` must be a list of tables: write [[shops.labels]]",
        ),
    ],
)
def test_a_mistake_in_a_label_is_one_line(tmp_path: Path, text: str, line: str) -> None:
    assert refused(tmp_path, SHOP + text) == [line]


ASKING = '[[shops.asking]]\nmode = "TEST"\nhost = "api.payzen.eu"\nsecret = "S3cretOfNobody"\n'


def test_by_what_a_shop_may_be_asked_is_read(tmp_path: Path) -> None:
    path = tmp_path / "shops.toml"
    path.write_text(SHOP + ASKING + 'in_service = true\nauthorities_file = "ca.pem"\n')
    path.chmod(0o600)

    shops = read_shops(path, {})

    access = shops.asking("73239078", "TEST")
    assert access is not None
    assert (access.host, access.is_in_service) == ("api.payzen.eu", True)
    assert (access.requests_a_day, access.seconds_between) == (500, 60)
    assert access.authorities_file == tmp_path / "ca.pem"
    assert "S3cretOfNobody" not in repr(access)
    assert shops.asking("73239078", "PRODUCTION") is None
    assert shops.asking("10000000", "TEST") is None


@pytest.mark.parametrize(
    "host",
    [
        "https://api.payzen.eu",
        "http://api.payzen.eu",
        "api.payzen.eu/api-payment",
        "api.payzen.eu:443:443",
        "someone@api.payzen.eu",
        "api.payzen.eu\\n",
        "-payzen.eu",
        "",
    ],
)
def test_the_host_to_ask_is_the_name_of_a_machine_alone(tmp_path: Path, host: str) -> None:
    (line,) = refused(tmp_path, SHOP + ASKING.replace("api.payzen.eu", host))

    assert line.startswith("shop 73239078, asking 1: `host` must be the name of a machine alone")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (ASKING + ASKING, "`asking` holds a mode more than once"),
        (ASKING.replace("TEST", "TESTS"), "must be TEST or PRODUCTION"),
        (ASKING + "requests_a_day = 0", "must be 1 to 1440"),
        (ASKING.replace("secret", "password"), "unknown field `password`"),
    ],
)
def test_a_mistake_in_how_to_ask_is_one_line(tmp_path: Path, text: str, line: str) -> None:
    (refusal,) = refused(tmp_path, SHOP + text)

    assert "shop 73239078" in refusal
    assert line in refusal
