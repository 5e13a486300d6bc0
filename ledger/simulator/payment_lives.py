"""Describe a payment on the platform's side: what exists there, and each call made about it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any
from zlib import crc32

# Values of `vads_url_check_src` and `kr-src`: why the platform calls.
PAY = "PAY"
REC = "REC"
BATCH_AUTO = "BATCH_AUTO"
BATCH = "BATCH"
MERCH_BO = "MERCH_BO"
RETRY = "RETRY"
BO = "BO"
DCF = "DCF"
PAYMENT_ORDER = "PAYMENT_ORDER"

DEBIT = "DEBIT"
CREDIT = "CREDIT"
VERIFICATION = "VERIFICATION"


@dataclass(frozen=True, slots=True)
class Buyer:
    """A person who does not exist, at addresses that lead nowhere (example.com, 192.0.2.x)."""

    reference: str
    title: str
    first_name: str
    last_name: str
    email: str
    phone: str
    street: str
    zip_code: str
    city: str
    country: str
    ip_address: str


@dataclass(frozen=True, slots=True)
class Means:
    """A means of payment. Shape: `kind` is a REST `paymentMethodType` (CARD, SDD, PAYPAL, ...)."""

    kind: str
    brand: str
    number: str
    network: str
    contract: str
    expiry_month: int | None = None
    expiry_year: int | None = None
    brands: tuple[str, ...] = ()
    wallet: str | None = None
    wallet_card: str | None = None

    @property
    def is_card(self) -> bool:
        return self.kind == "CARD"


@dataclass(frozen=True, slots=True)
class Refusal:
    """The reason why a payment went wrong, in the codes of both formats.

    Shape: `rest_status` is set where REST has a status of its own for it.
    """

    result: str
    rest_code: str
    rest_message: str
    payment_error: str = ""
    extra_result: str = ""
    rest_status: str | None = None
    risk_control: Mapping[str, str] = field(default_factory=dict)
    risk_actions: tuple[str, ...] = ()


BANK = Refusal("05", "ACQ_001", "payment refused")
TECHNICAL = Refusal("96", "ACQ_999", "acquirer unreachable", rest_status="ERROR")
CAPTURE = Refusal("00", "PSP_999", "capture failed", payment_error="96")
FIRST_INSTALMENT = Refusal("05", "PSP_999", "first instalment refused", payment_error="101")
RISK = Refusal(
    "05",
    "PSP_536",
    "Transaction refused due to risk control",
    payment_error="36",
    extra_result="03",
    risk_control={"CARD_FRAUD": "ERROR", "SUSPECT_COUNTRY": "OK", "IP_FRAUD": "WARNING"},
    risk_actions=("REFUSE", "INFORM"),
)


@dataclass(frozen=True, slots=True)
class PaymentRequest:
    """What the merchant requested from the payment page.

    Units: `amount_minor` counts minor units of `currency`. Shape: `trans_id` and `order_id` are
    None when the merchant sent none.
    """

    shop_id: str
    mode: str
    order_id: str | None
    trans_id: str | None
    trans_date: datetime
    amount_minor: int
    currency: str
    page_action: str = "PAYMENT"
    payment_config: str = "SINGLE"
    capture_days: int = 0
    info: Mapping[str, str] = field(default_factory=dict)
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Payment:
    """One transaction of the platform, as it stands at one moment.

    Units: `amount_minor` is what it moves, in `currency`; the requested amount stands beside it.
    """

    uuid: str
    operation_type: str
    status: str
    requested_amount_minor: int
    requested_currency: str
    amount_minor: int
    currency: str
    created_at: datetime
    capture_at: datetime
    trans_id: str
    trans_date: datetime
    order_id: str | None
    means: Means
    captured_at: datetime | None = None
    change_rate: str | None = None
    sequence_number: int = 1
    occurrence_type: str = "UNITAIRE"
    payment_source: str = "EC"
    is_validated_by_hand: bool = False
    authorisation_mode: str | None = "FULL"
    authorisation_number: str | None = None
    authorisation_result: str | None = None
    authentication: str | None = None
    refusal: Refusal | None = None
    alias: str | None = None
    subscription_id: str | None = None
    instalment_number: int | None = None
    parent_uuid: str | None = None
    user: str | None = None
    payment_order_id: str | None = None

    @property
    def remittance_number(self) -> int | None:
        """Return the number of the file it was captured in, None before.

        Shape: six digits; one file a day, contract and currency.
        """
        if self.captured_at is None:
            return None
        remittance = f"{self.captured_at:%Y%m%d}:{self.means.contract}:{self.currency}"
        return 100_000 + crc32(remittance.encode()) % 900_000

    def changed(self, **changes: Any) -> "Payment":
        """Return the payment as it stands a moment later."""
        return replace(self, **changes)

    def refused(self, code: str | None = "51", refusal: Refusal = BANK) -> "Payment":
        """Return the payment as refused; `code` is the issuer's answer, None without any."""
        return self.changed(
            status="REFUSED",
            authorisation_number=None,
            authorisation_result=code,
            authorisation_mode=None if code is None else self.authorisation_mode,
            refusal=refusal,
        )


@dataclass(frozen=True, slots=True)
class Plan:
    """The debits of a subscription: when, and how much. Units: minor units of `currency`."""

    effect_on: date
    schedule: str
    amount_minor: int
    currency: str
    initial_amount_minor: int
    initial_amount_number: int


@dataclass(frozen=True, slots=True)
class Call:
    """One notification before it is written in a format: what it shows at one moment.

    Shape: the first of `payments` is the one the call is about; none when the buyer left.
    `first_source` is why the platform first called, when this call is a redelivery.
    `dropped_fields` names form fields that this delivery lacks; `unknown_fields` holds fields
    that both formats carry and that no reference describes.
    """

    step: str
    source: str
    sent_at: datetime
    nonce: str
    request: PaymentRequest
    buyer: Buyer
    payments: tuple[Payment, ...] = ()
    first_source: str | None = None
    is_abandoned: bool = False
    is_split: bool = False
    may_retry: bool = False
    alias: str | None = None
    alias_status: str | None = None
    is_known_means: bool = False
    means: Means | None = None
    subscription_id: str | None = None
    subscription_status: str | None = None
    plan: Plan | None = None
    dropped_fields: frozenset[str] = frozenset()
    extra_form_fields: Mapping[str, str] = field(default_factory=dict)
    unknown_fields: Mapping[str, str] = field(default_factory=dict)

    @property
    def payment(self) -> Payment | None:
        """Return the payment the call is about."""
        return self.payments[0] if self.payments else None

    @property
    def origin(self) -> str:
        """Return why the platform first sent this call."""
        return self.first_source or self.source

    @property
    def is_redelivery(self) -> bool:
        return self.source in (RETRY, BO)

    def repeated(
        self, source: str, *payments: Payment, sent_at: datetime, nonce: str, **changes: Any
    ) -> "Call":
        """Return the same call sent again, with the payments as they stand by then."""
        return replace(
            self,
            step=f"{self.step}, again",
            source=source,
            first_source=self.origin,
            sent_at=sent_at,
            nonce=nonce,
            payments=payments or self.payments,
            **changes,
        )
