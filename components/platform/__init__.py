"""What the cluster runs for the app: Dapr, the ingress controller, certificates."""
