"""The backend of the todo app: todos per user, a chat that understands them, and an event for every change."""
