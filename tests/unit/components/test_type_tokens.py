import re

from tests.support import example

SOURCES = [*(example.PROJECT_FOLDER / "components").glob("*/*.py")]


def test_a_type_token_names_the_folder_and_the_class() -> None:
    declared = {
        (f"todo:{source.parent.name}:{name}", token)
        for source in SOURCES
        for name, body in re.findall(
            r"^class (\w+)\(pulumi\.ComponentResource\):\n((?:(?!^class ).*\n)*)", source.read_text(), re.MULTILINE
        )
        for token in re.findall(r'super\(\).__init__\("([^"]+)"', body)
    }

    assert declared
    assert not [pair for pair in declared if pair[0] != pair[1]]
