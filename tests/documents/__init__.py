"""What README and documents say is held against the code, and each of their commands is run."""
