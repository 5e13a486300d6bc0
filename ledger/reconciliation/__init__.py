"""Compares what the platform's own files list with what the ledger was told."""
