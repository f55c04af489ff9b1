"""The component resources of the stack graph, one area a file: only these files declare resources."""
