"""The names of the checks, which cost nothing to load."""

SIGNATURES, STREAMS, ORDER, LOG, VIEWS = "signatures", "streams", "order", "log", "views"
REPORTS, ARCHIVES = "reports", "archives"
CHECKS = (SIGNATURES, STREAMS, ORDER, LOG, VIEWS, REPORTS, ARCHIVES)
