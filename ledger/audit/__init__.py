"""Compares what is stored with itself: signatures, streams, append order, read models."""

from ledger.audit.fault import REASONS, Fault
from ledger.audit.run_checks import CHECKS, Audit

__all__ = ["CHECKS", "REASONS", "Audit", "Fault"]
