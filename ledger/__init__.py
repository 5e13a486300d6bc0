"""IPN Ledger: an event-sourced ledger of payment notifications."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("ipn-ledger")
except PackageNotFoundError:  # run from a source tree that was never installed
    __version__ = "0"
