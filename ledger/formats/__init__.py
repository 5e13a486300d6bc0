"""Both formats of the platform, read into one vocabulary of snapshots."""
