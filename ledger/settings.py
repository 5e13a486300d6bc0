"""What the operator decides, read from the environment once and checked at start."""

# ruff: noqa: RUF009  # each call returns a field of a dataclass

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from ipaddress import IPv4Network, IPv6Network, ip_address
from pathlib import Path
from typing import Any

from ledger.errors import SettingsError
from ledger.setting_texts import (
    COUNT,
    NETWORKS,
    PERIOD,
    PERIODS,
    RATE,
    SOURCES,
    WEB_ADDRESS,
    matching,
    one_of,
    read_database_url,
    web_address,
    webhook_secret,
    words,
)

LOG_LEVELS = ("debug", "info", "warning", "error")
SECRET_KEY_MIN = 32
READER_ROLES = ("auditor", "auditor-personal", "operator")
"""The words that settings may name a role by; `ledger/access/readers.py` says what each may do."""

Network = IPv4Network | IPv6Network


@dataclass(frozen=True, slots=True)
class RoleRule:
    """The role of whoever has this value in their claim. Shape: no shops means all of them."""

    claim_value: str
    role: str
    shops: tuple[str, ...] | None = None


def setting(default: Any, meaning: str, *, is_secret: bool = False) -> Any:
    """Declare a setting: its default, and what it means in words for the reference."""
    return field(default=default, repr=not is_secret, metadata={"meaning": meaning})


@dataclass(frozen=True)
class Settings:
    """What the environment says under `LEDGER_` and each name. Units: sizes in bytes.

    Shape: networks are empty when nothing is restricted; the word `any` among allowed sources is
    every network.
    """

    database_url: str = setting(
        "sqlite:///var/ledger.sqlite",
        "where the ledger is: `sqlite:///path` or `postgresql://user:password@host/name`",
        is_secret=True,
    )
    shops_file: Path | None = setting(None, "the shops file, with the keys of every shop")
    master_keys_file: Path | None = setting(
        None,
        "the master keys; on SQLite by default `<database>.masters.toml`, made on first use",
    )
    log_key_file: Path | None = setting(
        None,
        "the key of the log, on one machine; on SQLite by default `<database>.log-key`, likewise",
    )
    tsa_url: str = setting("", "who stamps a checkpoint every day (RFC 3161); empty: nobody")
    tsa_certificates_file: Path | None = setting(None, "its certificates in PEM, up to its root")
    retention: str = setting(
        "personal=36m,evidence=15m,quarantine=30d,network=12m,access_log=36m",
        "how long each is kept, in days or months; `access_log` for 12 months or longer",
    )
    secret_key: str = setting(
        "",
        "signs the sessions of the pages: 32 or more random characters; without it there are none",
        is_secret=True,
    )
    metrics_token: str = setting(
        "",
        "what `/metrics` demands as `Authorization: Bearer …`: 16 or more characters",
        is_secret=True,
    )
    trusted_proxies: tuple[Network, ...] = setting(
        (), "networks whose `X-Forwarded-For` is believed"
    )
    allowed_sources: tuple[Network, ...] = setting(
        (),
        "addresses and ranges that may call `/ipn`; the platform's is `194.50.38.0/24`. `any`:"
        " everybody. Required with a form key for PRODUCTION; `serve --demo` sets loopback",
    )
    log_format: str = setting("console", "`console` or `json`; to stderr")
    log_level: str = setting(
        "info",
        "`debug`, `info`, `warning` or `error`; `serve --demo` takes `warning` unless this is set",
    )
    body_bytes_max: int = setting(
        256 * 1024, "larger bodies are answered 413, and noted in quarantine without their body"
    )
    fields_max: int = setting(10_000, "fields of one body")
    json_depth_max: int = setting(64, "nesting of `kr-answer`")
    quarantine_count_max: int = setting(1_000, "notifications in quarantine, for each address")
    quarantine_bytes_max: int = setting(16 * 1024 * 1024, "their bytes, for each address")
    quarantine_total_count_max: int = setting(100_000, "notifications in the whole quarantine")
    quarantine_total_bytes_max: int = setting(1024 * 1024 * 1024, "bytes of the whole quarantine")
    rate_per_token: str = setting("600/minute", "how often one token may ask, in each process")
    rate_per_address: str = setting(
        "1200/minute",
        "the same for one address, with or without a token, and for its pages. IPv6 is counted by"
        " /64, and by /48 at ten times the rate. `/ipn` is never counted",
    )
    cors_origins: tuple[str, ...] = setting(
        (), "origins, as `https://audit.example.com`, whose pages may ask the API; empty: none"
    )
    public_url: str = setting(
        "",
        "where people open the pages, as `https://ledger.example.com`; an identity provider leads"
        " back there",
    )
    oidc_issuer: str = setting(
        "",
        "the identity provider (OpenID Connect) that signs people in, exactly as it names itself;"
        " empty: none",
    )
    oidc_client_id: str = setting("", "the name of this service at the identity provider")
    oidc_client_secret: str = setting("", "its secret there, if it has one", is_secret=True)
    oidc_scopes: str = setting("openid profile", "what it asks for, between blanks")
    oidc_name_claim: str = setting("preferred_username", "the claim that names a person")
    oidc_role_claim: str = setting(
        "groups", "the claim that roles follow from; or a path, as `realm_access.roles`"
    )
    oidc_roles: tuple[RoleRule, ...] = setting(
        (),
        "which value gives which role: `accounting=auditor; treasury=operator:12345678,87654321`;"
        " the first that fits",
    )
    local_passwords: str = setting("on", "`off`: people sign in at the identity provider only")
    second_factor_roles: tuple[str, ...] = setting((), "roles that need a second factor, or `all`")
    alert_mail_to: tuple[str, ...] = setting((), "who is told by mail of what needs an operator")
    alert_smtp_url: str = setting(
        "", "the mail server for that: `smtps://user:password@host:465`", is_secret=True
    )
    alert_webhook_url: str = setting(
        "", "an https address that is told the same by webhook", is_secret=True
    )
    alert_webhook_secret: str = setting(
        "", "signs the webhooks: `whsec_` and 24 to 64 bytes in base64", is_secret=True
    )

    @property
    def is_sqlite(self) -> bool:
        return self.database_url.startswith("sqlite")

    def allows_source(self, address: str) -> bool:
        """Return True if a call from this address may be verified; empty is no address."""
        return not self.names_a_range or self.is_within_named_range(address)

    def is_within_named_range(self, address: str) -> bool:
        """Return True if a range of addresses is named as the platform's, and holds this one."""
        return self.names_a_range and is_within(address, self.allowed_sources)

    @property
    def names_a_range(self) -> bool:
        """Return True if some addresses are named that may send notifications, not just any."""
        return bool(self.allowed_sources) and all(
            network.prefixlen for network in self.allowed_sources
        )

    @property
    def has_pages(self) -> bool:
        """Return True if there is a key that can sign sessions.

        A short one is none; but that is no reason not to take notifications.
        """
        return len(self.secret_key) >= SECRET_KEY_MIN

    @property
    def has_local_passwords(self) -> bool:
        return self.local_passwords == "on"

    def may_sign_in_by(self, issuer: str | None) -> bool:
        """Return True if people of this provider, or else those with passwords, are let in."""
        return self.has_local_passwords if issuer is None else issuer == self.oidc_issuer


def read_settings(environ: Mapping[str, str]) -> Settings:
    """Read the environment. Errors: SettingsError names the variable that is wrong."""
    chosen: dict[str, Any] = {}
    for setting in fields(Settings):
        variable = f"LEDGER_{setting.name.upper()}"
        text = environ.get(variable)
        of_its_kind = _READERS_BY_TYPE.get(type(setting.default), COUNT)
        read, demand = _READERS.get(setting.name, of_its_kind)
        try:
            if text:
                chosen[setting.name] = read(text)
        except ValueError:
            raise SettingsError(f"{variable} must {demand}") from None
    settings = Settings(**chosen)
    _check_provider(settings)
    _check_alerts(settings)
    return settings


def _check_provider(settings: Settings) -> None:
    """Refuse an identity provider of which half is set: nobody could sign in."""
    needed = ("oidc_client_id", "oidc_roles", "public_url")
    missing = [f"LEDGER_{name.upper()}" for name in needed if not getattr(settings, name)]
    if settings.oidc_issuer and missing:
        raise SettingsError(f"LEDGER_OIDC_ISSUER needs {' and '.join(missing)} as well")
    if "openid" not in settings.oidc_scopes.split():
        raise SettingsError("LEDGER_OIDC_SCOPES must hold openid")
    if not settings.oidc_issuer and not settings.has_local_passwords:
        raise SettingsError(
            "LEDGER_LOCAL_PASSWORDS=off needs LEDGER_OIDC_ISSUER: nobody could sign in"
        )


def _check_alerts(settings: Settings) -> None:
    """Refuse a channel of which half is set: nobody would be told."""
    if bool(settings.alert_mail_to) != bool(settings.alert_smtp_url):
        raise SettingsError("LEDGER_ALERT_MAIL_TO and LEDGER_ALERT_SMTP_URL need each other")
    if bool(settings.alert_webhook_url) != bool(settings.alert_webhook_secret):
        raise SettingsError(
            "LEDGER_ALERT_WEBHOOK_URL and LEDGER_ALERT_WEBHOOK_SECRET need each other"
        )


def is_within(address: str, networks: Sequence[Network]) -> bool:
    """Return True if a written address belongs to one of these networks."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    return any(parsed in network for network in networks)


def _role_rules(text: str) -> tuple[RoleRule, ...]:
    """Read `value=role` or `value=role:shop,shop`; the value may hold anything but semicolons."""
    rules = []
    for entry in filter(None, map(str.strip, text.split(";"))):
        claim_value, _, target = map(str.strip, entry.rpartition("="))
        role, colon, shops = target.partition(":")
        named = tuple(filter(None, map(str.strip, shops.split(","))))
        if not claim_value or role.strip() not in READER_ROLES or bool(colon) != bool(named):
            raise ValueError
        rules.append(RoleRule(claim_value, role.strip(), named or None))
    return tuple(rules)


def _roles(text: str) -> tuple[str, ...]:
    return READER_ROLES if text == "all" else words(matching("|".join(READER_ROLES)))(text)


_READERS_BY_TYPE: Mapping[type, tuple[Callable[[str], Any], str]] = {
    str: (str, "be text"),
    type(None): (Path, "be a path"),
}
_READERS: Mapping[str, tuple[Callable[[str], Any], str]] = {
    "database_url": (read_database_url, "begin with sqlite:/// or postgresql://"),
    "tsa_url": (matching(r"https?://\S+"), "be an address, for example https://tsa.example.com"),
    "retention": (matching(f"(?:{PERIOD})(?:,(?:{PERIOD}))*"), PERIODS),
    "metrics_token": (matching(r"[!-~]{16,}"), "have 16 or more characters, without blanks"),
    "trusted_proxies": NETWORKS,
    "allowed_sources": SOURCES,
    "log_format": one_of(("console", "json")),
    "log_level": one_of(LOG_LEVELS),
    "rate_per_token": RATE,
    "rate_per_address": RATE,
    "cors_origins": (
        words(matching(r"https?://[A-Za-z0-9.:\[\]-]+")),
        "be origins, for example https://audit.example.com",
    ),
    "public_url": WEB_ADDRESS,
    "oidc_issuer": (web_address, WEB_ADDRESS[1]),  # as the provider writes it, to the letter
    "oidc_roles": (
        _role_rules,
        "be rules, for example accounting=auditor; treasury=operator:12345678,87654321",
    ),
    "local_passwords": one_of(("on", "off")),
    "alert_mail_to": (
        words(matching(r"[!-+\--?A-~]+@[A-Za-z0-9.-]+")),
        "be mail addresses, for example ops@example.com",
    ),
    "alert_smtp_url": (
        matching(r"smtps?://(?:[^\s/@]+@)?[A-Za-z0-9.-]+(?::[0-9]{1,5})?"),
        "be an address, for example smtps://user:password@mail.example.com:465",
    ),
    "alert_webhook_url": WEB_ADDRESS,
    "alert_webhook_secret": (
        webhook_secret,
        "be whsec_ and 24 to 64 bytes in base64",
    ),
    "second_factor_roles": (_roles, f"be all, or some of {', '.join(READER_ROLES)}"),
}
"""How each setting is read, and what it must be; others are read by the type of their default."""
