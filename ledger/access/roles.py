"""The roles of whoever reads: names alone, which cost nothing to load."""

AUDITOR = "auditor"  # everything but personal data
AUDITOR_PERSONAL = "auditor-personal"  # personal data and raw bodies too; every read is logged
OPERATOR = "operator"  # that, and what changes something
ROLES = (AUDITOR, AUDITOR_PERSONAL, OPERATOR)
SEES_PERSONAL = frozenset({AUDITOR_PERSONAL, OPERATOR})
