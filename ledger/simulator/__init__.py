"""Play a synthetic platform that sends signed notifications, and check what a ledger made of them.

Its opinion of the truth is its own. It shares with the ledger the shops and their keys, to sign
with; `bulk.py` hands deliveries to a `Ledger`; nothing else. It computes its signatures itself,
and its formats, statuses and ranks are written from the platform's reference, so that a fault in
`ledger/ipn/` or in the aggregates shows as a difference instead of being made twice.
`tests/simulator/test_independence.py` holds this.
"""
