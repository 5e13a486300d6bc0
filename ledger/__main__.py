"""Let `python -m ledger` be the `ledger` command."""

from ledger.cli import cli

if __name__ == "__main__":
    cli(prog_name="ledger")
