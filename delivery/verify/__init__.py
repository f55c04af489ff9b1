"""`delivery verify`: compare a stack's outputs with the cluster and with the app's own responses."""
