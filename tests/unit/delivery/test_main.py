import re
import signal

import pytest

from delivery.__main__ import main


def text_of_help(capsys: pytest.CaptureFixture[str], *command: str) -> str:
    with pytest.raises(SystemExit) as ended:
        main([*command, "--help"])
    assert ended.value.code == 0
    return capsys.readouterr().out


def test_help_lists_every_command_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    text = text_of_help(capsys)

    commands = re.findall(r"^  ([a-z]\S*) +([A-Z].*)$", text, re.MULTILINE)
    assert {"setup", "doctor", "up", "verify", "rollback", "recover", "kubeconfig"} <= dict(commands).keys()
    for name, summary in commands:
        assert f"{summary}." in text_of_help(capsys, name).replace("\n", " ")


@pytest.mark.parametrize(
    "arguments",
    [
        "",
        "unknown",
        "rollback --to newest",
        "diff 1",
        "kubeconfig",
        "kubeconfig --deployer --cluster ocid1.cluster.oc1..a",
    ],
)
def test_wrong_usage_ends_with_code_2(arguments: str) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments.split())
    assert ended.value.code == 2


def test_interrupt_ends_with_the_signals_code(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("delivery.doctor.run.run", interrupt)

    assert main(["doctor"]) == 128 + signal.SIGINT
