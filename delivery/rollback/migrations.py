"""Whether a version of the backend can live with migrations that it does not know, as a rollback asks of it.

A rollback never changes the database: it stays as the newest update left it. So each migration since is read, and not
run: its code is that of a commit, and the packages that it needs are the backend's.
"""

import ast
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from system import git

FOLDER = "backend/migrations/versions"

_NAME = r'(?:"[^"]+"|[\w.])+'
_ALTERS = rf"ALTER\ TABLE\ (?:IF\ EXISTS\ )?(?:ONLY\ )?{_NAME}\ "
_ACTION = r"(?:[^,(]|\([^)]*\))*"  # up to the comma before the next one
# What the previous version of the app cannot live with, in a statement of SQL with single blanks.
_BREAKING_SQL = re.compile(
    rf"""
      \b(?:DROP\ (?:TABLE|COLUMN|TYPE|SCHEMA|(?:MATERIALIZED\ )?VIEW|SEQUENCE|DOMAIN)
         |RENAME|TRUNCATE|SET\ NOT\ NULL|DELETE\ FROM)\b
    | \bALTER\ (?:COLUMN\ )?{_NAME}\ (?:SET\ DATA\ )?TYPE\b
    | \b{_ALTERS}(?:.*,\ ?)?DROP\ (?!CONSTRAINT\b)
    | \bADD\ (?!CONSTRAINT\b)(?!{_ACTION}\b(?:DEFAULT|GENERATED|\w*SERIAL)\b){_ACTION}\bNOT\ NULL\b
    """,
    re.IGNORECASE | re.VERBOSE,
)
# A whole statement that it can live with. What is neither is for a person to judge.
_HARMLESS_SQL = re.compile(
    rf"""
      (?:CREATE\ (?:TABLE|INDEX|TYPE|SEQUENCE|SCHEMA|EXTENSION)
        |INSERT\ INTO|UPDATE|SELECT|COMMENT\ ON|ANALYZE)\b.*
    | {_ALTERS}ALTER\ (?:COLUMN\ )?{_NAME}\ (?:DROP\ NOT\ NULL|SET\ DEFAULT\ .*)
    | {_ALTERS}ADD\ (?!CONSTRAINT\b)(?!.*\b(?:UNIQUE|CHECK|REFERENCES|PRIMARY|EXCLUDE)\b){_ACTION}
    """,
    re.IGNORECASE | re.VERBOSE,
)
_COMMENT = re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)
# The same in the operations of Alembic that write it. Source: https://alembic.sqlalchemy.org/en/latest/ops.html
_BREAKING = {"drop_table", "drop_column", "rename_table"}
_HARMLESS = {
    *("create_table", "create_table_comment", "drop_table_comment"),
    *("bulk_insert", "get_context", "f"),
}

_TOLD = 100
Verdict: TypeAlias = Literal["harmless", "breaking", "unclear"]


@dataclass(frozen=True)
class Finding:
    """A migration that is not known to be harmless.

    verdict: breaking, or unclear where its code does not tell what it does to the database; why: the statement.
    """

    file: str
    verdict: Literal["breaking", "unclear"]
    why: str


def since(target: str, later: Sequence[str]) -> Sequence[tuple[str, str]] | None:
    """The migrations that later commits have and an earlier one has not, as (path, commit); None where it has none.

    target: the earlier commit; later: the others, the newest first.

    The database is as the newest of them left it, whatever was released since: no commit's alone would tell.
    """
    known = set(git.files(target, FOLDER))
    if not known:
        return None
    found = {file: commit for commit in reversed(later) for file in git.files(commit, FOLDER) if file.endswith(".py")}
    return [(file, commit) for file, commit in sorted(found.items()) if file not in known]


def judge(file: str, code: str) -> Sequence[Finding]:
    """What in a migration an earlier version of the app could not live with; code: its text, in Python."""
    try:
        module = ast.parse(code)
    except SyntaxError as error:
        return [Finding(file, "unclear", f"it is no Python: {error.msg}")]
    return [
        Finding(file, verdict, " ".join(ast.unparse(call).split())[:_TOLD])
        for part in module.body
        if not (isinstance(part, ast.FunctionDef) and part.name == "downgrade")
        for call in ast.walk(part)
        if isinstance(call, ast.Call) and (verdict := _verdict(call)) != "harmless"
    ]


def judge_sql(text: str) -> Verdict:
    """Whether an earlier version of the app could live with these statements."""
    statements = [" ".join(part.split()) for part in _COMMENT.sub(" ", text).split(";")]
    if any(map(_BREAKING_SQL.search, statements)):
        return "breaking"
    return "harmless" if all(map(_HARMLESS_SQL.fullmatch, filter(None, statements))) else "unclear"


def _verdict(call: ast.Call) -> Verdict:
    if not (
        isinstance(call.func, ast.Attribute) and isinstance(call.func.value, ast.Name) and call.func.value.id == "op"
    ):
        return "harmless"
    operation = call.func.attr
    if operation in _BREAKING:
        return "breaking"
    if judge_call := _OF_OPERATION.get(operation):
        return judge_call(call)
    return "harmless" if operation in _HARMLESS else "unclear"


def _verdict_of_altered_column(call: ast.Call) -> Verdict:
    given = _given(call)
    breaks = given.keys() & {"type_", "new_column_name"} or _is(given.get("nullable"), value=False)
    return "breaking" if breaks else "harmless"


def _verdict_of_index(call: ast.Call) -> Verdict:
    # As with a new constraint: whether what an earlier version writes fits it is known to whoever wrote that version.
    unique = _given(call).get("unique")
    return "harmless" if unique is None or _is(unique, value=False) else "unclear"


def _verdict_of_sql(call: ast.Call) -> Verdict:
    texts = [node.value for node in ast.walk(call) if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    if "breaking" in map(judge_sql, texts):
        return "breaking"
    given = call.args[0] if call.args else None
    if isinstance(given, ast.Call):  # sa.text("…")
        given = given.args[0] if given.args else None
    return judge_sql(given.value) if isinstance(given, ast.Constant) and isinstance(given.value, str) else "unclear"


def _verdict_of_column(call: ast.Call) -> Verdict:
    column = next((argument for argument in call.args if isinstance(argument, ast.Call)), None)
    if column is None:
        return "unclear"
    given = _given(column)
    is_needed = _is(given.get("nullable"), value=False) or _is(given.get("primary_key"), value=True)
    return "breaking" if is_needed and "server_default" not in given else "harmless"


def _given(call: ast.Call) -> dict[str | None, ast.expr]:
    return {keyword.arg: keyword.value for keyword in call.keywords}


def _is(node: ast.expr | None, *, value: bool) -> bool:
    return isinstance(node, ast.Constant) and node.value is value


_OF_OPERATION: Mapping[str, Callable[[ast.Call], Verdict]] = {
    "execute": _verdict_of_sql,
    "alter_column": _verdict_of_altered_column,
    "add_column": _verdict_of_column,
    "create_index": _verdict_of_index,
}
