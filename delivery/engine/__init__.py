"""The Pulumi engine: the `pulumi` command, a stack's settings file and its state backend."""
