"""Follow a Helm release while it rolls out, and end a wait that cannot succeed."""
