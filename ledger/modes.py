"""The platform's two modes: what is tried out, and what moves money. Neither knows the other."""

MODES = ("TEST", "PRODUCTION")
