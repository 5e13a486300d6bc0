"""Asks the platform's reading services about what was perhaps never told."""
