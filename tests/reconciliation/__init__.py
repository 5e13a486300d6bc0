"""The platform's own files, compared with what was told."""
