"""Make up one payment life from a seed: buyer, payment request, payments and clock."""

import random
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from ledger.simulator.payment_lives import (
    CREDIT,
    DEBIT,
    MERCH_BO,
    VERIFICATION,
    Buyer,
    Call,
    Means,
    Payment,
    PaymentRequest,
    Plan,
)

_FIRST_NAMES = ("Zoé", "Jean-Noël", "Maëlys", "Øyvind", "Łukasz", "Anne Marie", "李", "Noor")
_LAST_NAMES = (
    "Lefèvre",
    "O'Neill",
    "D’Arvor",
    "Müller & fils",
    "Gonçalves",
    " Petit",
    "娜",
    "Ñandú",
)
_STREETS = (
    "12 rue des Exemples",
    "3 bis, quai de l'Œuvre",
    "1/2 chemin du Puits",
    "Bât. B  esc. 2",
)
_CITIES = (
    ("31000", "Toulouse"),
    ("29200", "Brest"),
    ("97410", "Saint-Pierre"),
    ("42000", "Saint-Étienne"),
)
_CURRENCIES = ("EUR",) * 12 + ("CHF", "GBP", "JPY", "KWD")
_CARDS = (("CB", "497010"), ("VISA", "497011"), ("MASTERCARD", "597010"))
_LIVES_LAST_DAYS = 28


class Life:
    """One payment life in the making. Its clock only goes forward; all values come from `rng`."""

    def __init__(self, rng: random.Random, shop_id: str, mode: str, begins_at: datetime) -> None:
        self.rng = rng
        self.now = begins_at + timedelta(seconds=rng.randrange(_LIVES_LAST_DAYS * 86_400))
        self.buyer = _buyer(rng)
        self.means = self.card()
        self.currency = rng.choice(_CURRENCIES)
        self.request = PaymentRequest(
            shop_id=shop_id,
            mode=mode,
            order_id=f"CMD-{self.now:%Y}-{rng.randrange(10**6):06d}",
            trans_id=f"{rng.randrange(100_000, 900_000)}",
            trans_date=self.now,
            amount_minor=rng.randrange(500, 90_000),
            currency=self.currency,
            info={"order_info": rng.choice(("", "caisse 3", "a+b = c  d"))},
            metadata={"basket": f"B-{rng.randrange(100)}"},
        )
        self.wait(seconds=rng.randrange(5, 120))

    def wait(self, **duration: float) -> None:
        """Let time pass. Units: the words of `timedelta`."""
        self.now += timedelta(**duration)

    def change_request(self, **changes: Any) -> None:
        """Let the merchant request something else than a plain payment."""
        self.request = replace(self.request, **changes)

    def new_reference(self) -> str:
        """Return a reference as the platform makes them. Shape: 32 lower-case hex digits."""
        return f"{self.rng.getrandbits(128):032x}"

    def partial_amount(self) -> int:
        """Return a part of the requested amount, in minor units."""
        return self.rng.randrange(100, self.request.amount_minor - 100)

    # -- means of payment

    def card(self) -> Means:
        brand, digits = self.rng.choice(_CARDS)
        other = "VISA" if brand == "CB" else brand
        return Means(
            kind="CARD",
            brand=brand,
            number=f"{digits}XXXXXX{self.rng.randrange(10_000):04d}",
            network="CB",
            contract="1234567",
            expiry_month=self.rng.randrange(1, 13),
            expiry_year=self.rng.randrange(2028, 2032),
            brands=("CB", other) if other != "CB" else (),
        )

    def wallet(self) -> Means:
        """Return a card behind a wallet, which shows a number of its own."""
        card = self.card()
        number = f"480000XXXXXX{self.rng.randrange(10_000):04d}"
        return replace(card, number=number, wallet="APPLE_PAY", wallet_card=card.number)

    # -- transactions

    def payment(self, status: str = "AUTHORISED", **changes: Any) -> Payment:
        """Return a payment of the whole requested amount, made now."""
        is_card = self.means.is_card
        payment = Payment(
            uuid=self.new_reference(),
            operation_type=DEBIT,
            status=status,
            requested_amount_minor=self.request.amount_minor,
            requested_currency=self.request.currency,
            amount_minor=self.request.amount_minor,
            currency=self.request.currency,
            created_at=self.now,
            capture_at=self.now + timedelta(days=self.request.capture_days),
            trans_id=self.request.trans_id or self.platform_trans_id(),
            trans_date=self.request.trans_date,
            order_id=self.request.order_id,
            means=self.means,
            authorisation_number=f"{self.rng.getrandbits(24):06x}" if is_card else None,
            authorisation_result="0",
            authentication=self.rng.choice(("FRICTIONLESS", "CHALLENGE")) if is_card else None,
        )
        return payment.changed(**changes)

    def verification(self, alias: str | None, **changes: Any) -> Payment:
        """Return a check of the means of payment without money, which makes or changes an alias."""
        payment_fields: dict[str, Any] = {
            "operation_type": VERIFICATION,
            "requested_amount_minor": 0,
            "amount_minor": 0,
            "trans_id": self.platform_trans_id(),
            "trans_date": self.now,
            "authorisation_mode": "MARK",
            "authorisation_number": None,
            "alias": alias,
        }
        return self.payment("ACCEPTED", **(payment_fields | changes))

    def refund(self, of: Payment, amount_minor: int | None = None, **changes: Any) -> Payment:
        """Return a refund: a transaction of its own, made in the Back Office."""
        amount = of.amount_minor if amount_minor is None else amount_minor
        payment_fields: dict[str, Any] = {
            "operation_type": CREDIT,
            "amount_minor": amount,
            "requested_amount_minor": amount,
            "requested_currency": of.currency,
            "currency": of.currency,
            "authorisation_number": None,
        }
        return self.payment_by_operator(
            parent_uuid=of.uuid, means=of.means, **(payment_fields | changes)
        )

    def payment_by_operator(self, **changes: Any) -> Payment:
        """Return a payment made in the Back Office, numbered by the platform, not authenticated."""
        payment_fields: dict[str, Any] = {
            "trans_id": self.platform_trans_id(),
            "trans_date": self.now,
            "authentication": None,
            "user": "agent-007",
        }
        return self.payment(**(payment_fields | changes))

    def instalment(self, plan: Plan, subscription_id: str, alias: str, number: int) -> Payment:
        """Return one debit of a subscription, made by the platform."""
        is_initial = number <= plan.initial_amount_number
        amount = plan.initial_amount_minor if is_initial else plan.amount_minor
        return self.payment(
            requested_amount_minor=amount,
            amount_minor=amount,
            trans_id=self.platform_trans_id(),
            trans_date=self.now,
            occurrence_type="RECURRENT_INTERMEDIAIRE",
            authentication=None,
            alias=alias,
            subscription_id=subscription_id,
            instalment_number=number,
            user="BATCH",
        )

    def platform_trans_id(self) -> str:
        return f"{self.rng.randrange(900_000, 1_000_000)}"

    def plan(self) -> Plan:
        """Return a yearly plan with two cheaper months, from a month later."""
        amount = self.rng.randrange(1000, 9000)
        return Plan(
            effect_on=(self.now + timedelta(days=30)).date(),
            schedule=f"RRULE:FREQ=MONTHLY;COUNT=12;BYMONTHDAY={self.rng.randrange(1, 29)}",
            amount_minor=amount,
            currency=self.request.currency,
            initial_amount_minor=amount // 2,
            initial_amount_number=2,
        )

    # -- calls

    def call(self, step: str, source: str, *payments: Payment, **call_fields: Any) -> Call:
        """Let the platform call, two seconds later, about the first of these payments."""
        self.wait(seconds=2)
        return Call(
            step=step,
            source=source,
            sent_at=self.now,
            nonce=f"{self.rng.getrandbits(256):064x}",
            request=self.request,
            buyer=self.buyer,
            payments=payments,
            **call_fields,
        )

    def repeat(self, source: str, first_call: Call, *payments: Payment, **changes: Any) -> Call:
        """Let the platform repeat a call, with the payments as they stand now."""
        self.wait(seconds=2)
        nonce = f"{self.rng.getrandbits(256):064x}"
        return first_call.repeated(source, *payments, sent_at=self.now, nonce=nonce, **changes)

    def back_office_call(self, step: str, *payments: Payment, **call_fields: Any) -> Call:
        """Let the platform call because an operator did something in the Back Office."""
        return self.call(step, MERCH_BO, *payments, **call_fields)


def _buyer(rng: random.Random) -> Buyer:
    number = rng.randrange(10**6)
    zip_code, city = rng.choice(_CITIES)
    return Buyer(
        reference=f"CUST-{number:06d}",
        title=rng.choice(("Mme", "M.", "")),
        first_name=rng.choice(_FIRST_NAMES),
        last_name=rng.choice(_LAST_NAMES),
        email=f"acheteur+{number}@example.com",
        phone=f"019900{rng.randrange(10**4):04d}",
        street=rng.choice(_STREETS),
        zip_code=zip_code,
        city=city,
        country="FR",
        ip_address=f"192.0.2.{rng.randrange(1, 255)}",
    )
