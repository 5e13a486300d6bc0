"""What an event rests on: the platform's signed call, or its answer to our own question."""

TOLD = "told"
"""The platform's signature proves it."""

ASKED = "asked"
"""Our own question proves it, and nothing else."""
