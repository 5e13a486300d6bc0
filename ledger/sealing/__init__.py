"""What may hold personal data, kept under keys that can be destroyed."""
