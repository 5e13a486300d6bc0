"""What the platform sends otherwise than before: names, types and words of closed sets."""
