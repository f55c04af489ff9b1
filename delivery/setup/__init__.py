"""`delivery setup`: ask for a stack's settings and store them."""
