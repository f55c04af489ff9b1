"""Fakes of services that need an account or a cluster, for `make app` and the tests. Not in the image."""
