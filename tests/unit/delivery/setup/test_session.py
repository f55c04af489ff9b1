from tests.support.machine import Machine
from tests.support.terminal import Scripted


def test_answers_that_the_shell_lacks_are_exported(machine: Machine) -> None:
    terminal = Scripted({}, {"GITHUB_TOKEN": ["", "canary"]})
    session = machine.session(terminal, PATH="")
    session.ask_variable("GITHUB_TOKEN")

    session.print_exports()

    assert terminal.said[-1].splitlines()[2:] == [
        "    export PATH=$PWD/.tools/bin:$PATH",
        "    read -rs GITHUB_TOKEN && export GITHUB_TOKEN",
    ]
    assert "canary" not in terminal.text
