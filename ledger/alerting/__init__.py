"""Tells an operator by mail and webhook that something needs them, once when it begins and ends."""
