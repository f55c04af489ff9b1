"""Kubernetes: kubeconfigs, API errors, Helm records, drift and rollouts. Knows no name of the app."""
