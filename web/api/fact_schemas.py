"""The JSON Schemas of facts, by their names."""

from collections.abc import Mapping
from typing import Any

from ledger.ipn.snapshots import (
    ALIAS_FACTS,
    INSTALMENT_FACTS,
    SUBSCRIPTION_FACTS,
    TRANSACTION_FACTS,
)
from web.api.vocabulary import KNOWN

JsonSchema = dict[str, Any]

AMOUNTS = "2990 is 29.90 EUR, 2990 JPY (no decimals) or 2.990 KWD (three)"
"""How a whole number of minor units is read, for whoever has not met one."""

FACTS: Mapping[str, Mapping[str, str]] = {
    "TransactionFacts": TRANSACTION_FACTS,
    "AliasFacts": ALIAS_FACTS,
    "SubscriptionFacts": SUBSCRIPTION_FACTS,
    "InstalmentFacts": INSTALMENT_FACTS,
}
"""All facts that an event can hold, by the name of their schema."""


def fact_schema(name: str, meaning: str) -> JsonSchema:
    """Return the schema of one fact. Shape: the end of its name says what it holds."""
    if name.endswith("_minor"):
        return {"type": "integer", "description": f"{meaning}: {AMOUNTS}"}
    if name.endswith("number") and name != "authorisation_number":
        return {"type": "integer", "description": meaning}
    schema = {"type": "string", "description": meaning}
    if name.endswith("_at") or name == "trans_date":
        return schema | {"format": "date-time"}
    if name.endswith("_on"):
        return schema | {"format": "date"}
    return schema | ({"x-extensible-enum": list(KNOWN[name])} if name in KNOWN else {})


def facts_schemas() -> dict[str, JsonSchema]:
    """Return the schema of the facts of each kind of event; a fact that was not sent is missing."""
    return {
        name: {
            "type": "object",
            "properties": {fact: fact_schema(fact, meaning) for fact, meaning in meanings.items()},
        }
        for name, meanings in FACTS.items()
    }
