"""What the ledger knows: transactions, aliases and subscriptions, each a stream of events."""
