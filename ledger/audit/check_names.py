"""The names of the checks, which cost nothing to load."""

SIGNATURES, STREAMS, ORDER, VIEWS = "signatures", "streams", "order", "views"
CHECKS = (SIGNATURES, STREAMS, ORDER, VIEWS)
