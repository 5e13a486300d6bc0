"""What was recorded, and when, proven to people who do not trust this service."""
