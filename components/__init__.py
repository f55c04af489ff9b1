"""Component resources: the boxes of the stack graph, and the only code that declares resources."""
