"""The GitHub repository that delivers the app."""
