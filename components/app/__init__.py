"""The app: images, secrets, Dapr components, the deployer and the Helm release."""
