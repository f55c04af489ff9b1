"""The bootstrap and the language host, with stand-ins for Go, for publishers, and for what a user has installed."""
