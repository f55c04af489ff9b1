"""Access to OKE: OCI's credentials, the tokens that they sign, and kubeconfigs that name an exec plug-in for these."""

# The exec plug-in of the kubeconfigs: a command of `python -m delivery`.
PLUGIN = "oke-token"
