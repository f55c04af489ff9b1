"""The Kubernetes cluster: found or created, its network and its namespaces."""
