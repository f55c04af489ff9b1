"""The backend of the todo app: todos per user, a chat that changes them, and an event for every change."""
