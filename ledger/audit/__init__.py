"""Compares what is stored with itself: signatures, streams, append order, read models."""
