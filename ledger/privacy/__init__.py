"""Erasing what is about people, keeping it for a while, and proving both."""
