"""What goes wrong while a stack is delivered, case by case on a few sandboxes at once: `make faults`.

Each case breaks something on the embedded cluster or in a double, shows the error that the user sees, takes the cause
away, and heals the stack as the README says. Then the stack, the live objects and GitHub must match the program,
nothing may be lost, and no secret may have leaked.

    python -m tests.faults                        # all of them, and a Markdown table
    python -m tests.faults --only registry quota  # those whose name contains one of these
    python -m tests.faults --list

tests/support/faults has the sandboxes and the assertions.
"""
