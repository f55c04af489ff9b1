"""What differs between a stack and what is there, and the issue that tells it."""
