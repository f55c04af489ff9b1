"""What a user may set, and the names that are fixed."""
