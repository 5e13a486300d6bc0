"""One notification becomes events: decided, and appended once and for good."""
