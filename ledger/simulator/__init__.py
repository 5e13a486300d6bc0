"""A synthetic platform that sends signed notifications."""
