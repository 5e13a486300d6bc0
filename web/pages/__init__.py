"""The auditor's pages: everything below `/` that a person opens in a browser."""
