"""The way to an OKE cluster: credentials of OCI, tokens signed with them, and kubeconfigs that hold none of it."""
