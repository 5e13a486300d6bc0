"""Check lines of a log against the schema that is published of them."""

import json

import jsonschema_rs

from ledger.operations.log_lines import schema

_VALIDATOR = jsonschema_rs.validator_for(schema())


def check_lines(text: str) -> None:
    """Fail if anything in a log of a service is no line as they are described."""
    for line in text.splitlines():
        try:
            parsed = json.loads(line)
        except ValueError:
            raise AssertionError(f"not JSON: {line}") from None
        assert _VALIDATOR.is_valid(parsed), f"not described in log_lines.py: {line}"
