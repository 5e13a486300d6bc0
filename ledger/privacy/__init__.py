"""What people may ask of whoever keeps data about them: to be found, shown and forgotten."""
