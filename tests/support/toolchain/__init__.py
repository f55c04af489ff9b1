"""The bootstrap and the language host, with fakes of Go, publishers and installed commands."""
