"""`delivery doctor`: preflight checks of a stack's tools, settings and accounts."""
