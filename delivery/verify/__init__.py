"""Whether what was asked for is what runs: the stack's outputs against the cluster and the app's own answers.

wanted.py       what the stack's outputs promise
sight.py        what the cluster shows at one moment
rollouts.py, sidecars.py, answers.py   the checks, by area
verification.py looks until all of them pass and stay so, or the deadline is over
causes.py       why a check failed
progress.py, report.py   what a person, a job and a program are told of it
command.py      the whole of it, as `verify` and `up` run it
"""
