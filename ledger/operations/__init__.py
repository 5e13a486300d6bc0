"""Run the service: its logs, its metrics and its processes."""
