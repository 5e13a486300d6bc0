"""Read models: derived from the events, rebuilt at any time."""
