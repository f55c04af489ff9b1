"""The compatibility of a past backend with the migrations that came after it.

A rollback never changes the database, which stays as the newest update left it. Each later migration is parsed and not
run: its code is in another commit, and needs the backend's packages.
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
# What breaks the previous version of the app, in a statement of SQL with single blanks.
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
# A whole statement that does not. A person has to decide about the rest.
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

_SHOWN = 100  # characters of a statement
Effect: TypeAlias = Literal["harmless", "breaking", "unclear"]


@dataclass(frozen=True)
class Issue:
    """A statement of a migration that is not known to be harmless."""

    file: str
    effect: Literal["breaking", "unclear"]  # unclear: the code does not show what it does to the database
    statement: str


def added_since(target: str, later: Sequence[str]) -> Sequence[tuple[str, str]] | None:
    """Return the migrations of later commits that a past one lacks, as (path, commit), or None where it has none.

    later: commits, the newest first. All of them count: any may have migrated the database.
    """
    known = set(git.files(target, FOLDER))
    if not known:
        return None
    found = {file: commit for commit in reversed(later) for file in git.files(commit, FOLDER) if file.endswith(".py")}
    return [(file, commit) for file, commit in sorted(found.items()) if file not in known]


def issues(file: str, code: str) -> Sequence[Issue]:
    """Return the statements of a migration that may break a past version of the app; code: its text, in Python."""
    try:
        module = ast.parse(code)
    except SyntaxError as error:
        return [Issue(file, "unclear", f"it is not valid Python: {error.msg}")]
    return [
        Issue(file, effect, " ".join(ast.unparse(call).split())[:_SHOWN])
        for part in module.body
        if not (isinstance(part, ast.FunctionDef) and part.name == "downgrade")
        for call in ast.walk(part)
        if isinstance(call, ast.Call) and (effect := _effect(call)) != "harmless"
    ]


def sql_effect(text: str) -> Effect:
    """Return the effect of SQL statements on a past version of the app."""
    statements = [" ".join(part.split()) for part in _COMMENT.sub(" ", text).split(";")]
    if any(map(_BREAKING_SQL.search, statements)):
        return "breaking"
    return "harmless" if all(map(_HARMLESS_SQL.fullmatch, filter(None, statements))) else "unclear"


def _effect(call: ast.Call) -> Effect:
    if not (
        isinstance(call.func, ast.Attribute) and isinstance(call.func.value, ast.Name) and call.func.value.id == "op"
    ):
        return "harmless"
    operation = call.func.attr
    if operation in _BREAKING:
        return "breaking"
    if effect_of := _EFFECTS.get(operation):
        return effect_of(call)
    return "harmless" if operation in _HARMLESS else "unclear"


def _effect_of_altered_column(call: ast.Call) -> Effect:
    given = _given(call)
    breaks = given.keys() & {"type_", "new_column_name"} or _is(given.get("nullable"), value=False)
    return "breaking" if breaks else "harmless"


def _effect_of_index(call: ast.Call) -> Effect:
    # Like a new constraint, it may reject what a past version writes.
    unique = _given(call).get("unique")
    return "harmless" if unique is None or _is(unique, value=False) else "unclear"


def _effect_of_sql(call: ast.Call) -> Effect:
    texts = [node.value for node in ast.walk(call) if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    if "breaking" in map(sql_effect, texts):
        return "breaking"
    given = call.args[0] if call.args else None
    if isinstance(given, ast.Call):  # sa.text("…")
        given = given.args[0] if given.args else None
    return sql_effect(given.value) if isinstance(given, ast.Constant) and isinstance(given.value, str) else "unclear"


def _effect_of_column(call: ast.Call) -> Effect:
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


_EFFECTS: Mapping[str, Callable[[ast.Call], Effect]] = {
    "execute": _effect_of_sql,
    "alter_column": _effect_of_altered_column,
    "add_column": _effect_of_column,
    "create_index": _effect_of_index,
}
