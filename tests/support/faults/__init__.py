"""What the fault cases (`tests/faults`) run on.

proxy.py       between the stack and its API server: unavailable, slow, or answering with errors
sandbox.py     a stack, its embedded cluster and the doubles of GitHub and the registry
pool.py        several sandboxes at once
update.py      an update that runs, and its interruption
assertions.py  lost objects, differences and leaked secrets
case.py        a case, its run and its result
table.py       the results in Markdown
"""
