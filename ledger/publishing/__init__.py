"""The events of the ledger in the streams of others, each exactly once, in order."""
