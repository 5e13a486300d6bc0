"""Who may read what: tokens, people with passwords, and the log of reads of personal data."""
