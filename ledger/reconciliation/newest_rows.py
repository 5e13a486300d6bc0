"""Takes of each payment the row of the newest file that lists it: files may overlap."""

from ledger.reconciliation.compared_sides import ComparedSides


def keep_newest_rows(sides: ComparedSides) -> None:
    """Leave one row for each listed payment.

    Shape: two equal rows of one file are two payments; the same row in a later file is the same
    payment. A payment that the merchant journal lists, with its uuid, is left out of the others.
    """
    files = [*sides.execute("SELECT DISTINCT age, has_uuids FROM claims")]
    if len(files) > 1:
        sides.execute(_KEEP_NEWEST)
    if len({has_uuids for _, has_uuids in files}) > 1:
        sides.execute("CREATE TABLE crossed_out (of_merchant INTEGER PRIMARY KEY, other)")
        for key in (_EXACT, _SHORT):  # of several on a day, those of the same second go first
            sides.execute(_CROSS_OUT.format(key=key))
        sides.execute("DELETE FROM claims WHERE place IN (SELECT other FROM crossed_out)")


_SHORT = "json_array(number, paid_on, direction)"
_EXACT = "json_array(number, paid_on, direction, paid_at)"
_IDENTITY = """has_uuids, coalesce(
    uuid,
    json_array(number, paid_on, direction, sequence_number, order_id, contract, paid_at)
)"""
"""What the same payment has in each file that lists it."""

_KEEP_NEWEST = f"""
WITH counted AS (
    SELECT *, row_number() OVER (PARTITION BY age, {_IDENTITY} ORDER BY line_number) AS nth
    FROM claims
), aged AS (
    SELECT place, row_number() OVER (PARTITION BY nth, {_IDENTITY} ORDER BY age DESC) AS nth_file
    FROM counted
)
DELETE FROM claims WHERE place IN (SELECT place FROM aged WHERE nth_file > 1)
"""  # noqa: S608  made of the words above
"""Of what is the nth of its kind in several files, only that of the newest file remains."""

_CROSS_OUT = """
WITH counted AS (
    SELECT place, has_uuids, {key} AS name, row_number() OVER (
        PARTITION BY has_uuids, {key} ORDER BY file_id, line_number
    ) AS nth
    FROM claims
    WHERE number IS NOT NULL AND paid_on IS NOT NULL AND direction IS NOT NULL
        AND place NOT IN (SELECT of_merchant FROM crossed_out UNION SELECT other FROM crossed_out)
)
INSERT INTO crossed_out
SELECT merchant.place, other.place
FROM (SELECT * FROM counted WHERE has_uuids) merchant
JOIN (SELECT * FROM counted WHERE NOT has_uuids) other USING (name, nth)
"""
