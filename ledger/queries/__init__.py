"""Every question that can be asked of the ledger, and nothing that changes it."""
