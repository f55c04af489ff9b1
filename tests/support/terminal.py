"""Terminals without a person."""

import io
from collections.abc import Mapping, Sequence


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Scripted:
    """Answers questions by how they begin, the last answer again and again; any other question gets an empty answer."""

    def __init__(
        self,
        answers: Mapping[str, Sequence[str]] | None = None,
        unseen: Mapping[str, Sequence[str]] | None = None,
        stops_at: str = "nothing",  # the beginning of the question at which the user presses Ctrl-C
    ) -> None:
        self._answers = {question: list(texts) for question, texts in (answers or {}).items()}
        self._unseen = {question: list(texts) for question, texts in (unseen or {}).items()}
        self._stops_at = stops_at
        self.questions: list[str] = []
        self.said: list[str] = []

    @property
    def text(self) -> str:
        return "\n".join([*self.said, *self.questions])

    def echo(self, text: str) -> None:
        self.said.append(text)

    def ask(self, question: str) -> str:
        return self._answer(question, self._answers)

    def ask_hidden(self, question: str) -> str:
        return self._answer(question, self._unseen)

    def _answer(self, question: str, answers: dict[str, list[str]]) -> str:
        assert len(self.questions) < 100, self.questions[-5:]
        self.questions.append(question)
        if question.startswith(self._stops_at):
            raise KeyboardInterrupt
        texts = next((texts for start, texts in answers.items() if question.startswith(start)), [""])
        return texts.pop(0) if len(texts) > 1 else texts[0]
