"""Compares signatures, streams, order and views; yields faults; changes nothing."""

from ledger.audit.fault import REASONS, Fault
from ledger.audit.running import CHECKS, Audit, Unit, run_unit

__all__ = ["CHECKS", "REASONS", "Audit", "Fault", "Unit", "run_unit"]
