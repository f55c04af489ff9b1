"""The parts of the app: each has an image, a Deployment and a label of this name, and a folder with its sources."""

APPS = ("frontend", "backend")
