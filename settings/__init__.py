"""The settings of a stack and the fixed names of the app."""
