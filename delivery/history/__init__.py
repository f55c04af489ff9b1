"""The updates of a stack: what the engine kept of each, and what git has of its commit.

updates.py     what the engine's history says of an update, and which ones were proven good
earlier.py     the app of an update, found again
comparison.py  what differs between two
listing.py, diff.py   what people and programs are told of it
"""
