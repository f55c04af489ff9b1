"""Back to an earlier update, by a new one that is proven safe first.

plan.py      which update, how much of it, and what that means for the secrets
proof.py     what proves that one can go back, with migrations.py and registry.py
restored.py  what runs then: today's program or, in worktree.py, that of the commit
losses.py    what the preview would end, and what of that it may
command.py   the whole of it
"""
