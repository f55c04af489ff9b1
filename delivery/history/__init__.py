"""The updates of a stack: what the engine's history keeps of each, and what git has of its commit."""
