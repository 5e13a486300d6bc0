"""Settings about who signs in: what is read from them, and what is refused at the start."""

import pytest

from ledger.access.roles import ROLES
from ledger.errors import SettingsError
from ledger.settings import READER_ROLES, RoleRule, Settings, read_settings

PROVIDER = {
    "LEDGER_OIDC_ISSUER": "https://login.example.com/realms/shop",
    "LEDGER_OIDC_CLIENT_ID": "ledger",
    "LEDGER_OIDC_CLIENT_SECRET": "S3cretOfNobody",
    "LEDGER_OIDC_ROLES": "accounting=auditor",
    "LEDGER_PUBLIC_URL": "https://ledger.example.com/",
}


def read(**environ: str) -> Settings:
    return read_settings(PROVIDER | environ)


def test_settings_name_the_roles_that_there_are() -> None:
    assert READER_ROLES == ROLES


def test_a_provider_is_read_and_its_secret_never_shown() -> None:
    settings = read()

    assert settings.oidc_issuer == "https://login.example.com/realms/shop"
    assert settings.public_url == "https://ledger.example.com"
    assert settings.oidc_client_secret == "S3cretOfNobody"
    assert "S3cretOfNobody" not in repr(settings)


@pytest.mark.parametrize(
    "name", ["LEDGER_OIDC_CLIENT_ID", "LEDGER_OIDC_ROLES", "LEDGER_PUBLIC_URL"]
)
def test_half_a_provider_is_refused_by_what_it_lacks(name: str) -> None:
    with pytest.raises(SettingsError, match=name):
        read(**{name: ""})


def test_a_claim_value_may_hold_what_directories_write() -> None:
    rules = "CN=Audit,OU=Finance Dept=auditor-personal ; treasury = operator:12345678, 87654321;"

    assert read(LEDGER_OIDC_ROLES=rules).oidc_roles == (
        RoleRule("CN=Audit,OU=Finance Dept", "auditor-personal"),
        RoleRule("treasury", "operator", ("12345678", "87654321")),
    )


@pytest.mark.parametrize(
    "rules", ["auditor", "=auditor", "a=king", "a=auditor:", "a=auditor:,", "a=", "a=auditor;b"]
)
def test_a_rule_that_gives_no_role_is_refused(rules: str) -> None:
    with pytest.raises(SettingsError, match="LEDGER_OIDC_ROLES"):
        read(LEDGER_OIDC_ROLES=rules)


@pytest.mark.parametrize("variable", ["LEDGER_OIDC_ISSUER", "LEDGER_PUBLIC_URL"])
@pytest.mark.parametrize(
    "address",
    [
        "http://login.example.com",
        "http://127.0.0.1.evil.example",
        "https://user@evil.example/",
        "https://a.example/?x=1",
        "https://a.example/#x",
        "https://a.example/ b",
        "ftp://a.example",
        "a.example",
    ],
)
def test_an_address_without_https_or_with_more_than_a_path_is_refused(
    variable: str, address: str
) -> None:
    with pytest.raises(SettingsError, match=variable):
        read(**{variable: address})


@pytest.mark.parametrize("address", ["http://127.0.0.1:8000", "http://localhost", "http://[::1]:1"])
def test_this_very_machine_may_do_without_https(address: str) -> None:
    assert read(LEDGER_OIDC_ISSUER=address).oidc_issuer == address


def test_somebody_must_be_able_to_sign_in() -> None:
    with pytest.raises(SettingsError, match="LEDGER_LOCAL_PASSWORDS"):
        read_settings({"LEDGER_LOCAL_PASSWORDS": "off"})
    with pytest.raises(SettingsError, match="LEDGER_OIDC_SCOPES"):
        read(LEDGER_OIDC_SCOPES="profile")


def test_each_way_in_can_be_closed() -> None:
    by_default, closed = read_settings({}), read(LEDGER_LOCAL_PASSWORDS="off")

    assert by_default.may_sign_in_by(None)
    assert not by_default.may_sign_in_by("https://login.example.com")
    assert not closed.may_sign_in_by(None)
    assert closed.may_sign_in_by("https://login.example.com/realms/shop")
    assert not closed.may_sign_in_by("https://login.example.com/realms/other")


@pytest.mark.parametrize(
    ("text", "roles"),
    [("", ()), ("all", ROLES), ("operator, auditor-personal", ("operator", "auditor-personal"))],
)
def test_a_second_factor_is_required_of_roles(text: str, roles: tuple[str, ...]) -> None:
    assert read_settings({"LEDGER_SECOND_FACTOR_ROLES": text}).second_factor_roles == roles
