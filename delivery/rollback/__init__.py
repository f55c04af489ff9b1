"""A rollback to a past update: a new update, after preflight checks.

plan.py         the target, the extent, and the secrets
preflight.py    the checks before the preview, with migrations.py and registry.py
workspace.py    the program and settings: today's, or with worktree.py the commit's
destructive.py  the steps of the preview that delete or replace
run.py          the command
"""
