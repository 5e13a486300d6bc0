"""What the platform sends and how it is proven: delivery, keys, signatures, both formats."""
