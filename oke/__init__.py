"""The way to an OKE cluster: credentials of OCI, tokens signed with them, and kubeconfigs that hold none of it."""

# The command of `python -m delivery` that is the exec plug-in of these kubeconfigs.
PLUGIN = "oke-token"
