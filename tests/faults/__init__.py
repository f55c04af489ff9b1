"""What goes wrong while a stack is delivered, tried case by case on a few sites at once: `make faults`.

Each case breaks something on the embedded cluster or in a double, shows what the user is told, takes the cause away,
and heals the stack as the README says. Then the stack, the live objects and GitHub must be as the program has them,
nothing may be missing, and no secret may stand anywhere.

    python -m tests.faults                        # all of them, and a Markdown table
    python -m tests.faults --only registry quota  # those whose name holds one of these
    python -m tests.faults --list

    front.py      between the stack and its API server
    site.py       the stack, the cluster and the doubles
    sites.py      several of them at once
    update.py     an update that runs, and what can be done to it meanwhile
    judge.py      what was lost, and which secrets are shown
    case.py       a case, its run and its result
    kills.py, signals.py, api_server.py, admission.py, by_hand.py, credentials.py, services.py, state.py     the cases
"""
