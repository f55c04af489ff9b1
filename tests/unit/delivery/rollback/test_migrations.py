from pathlib import Path

import pytest

from delivery.rollback import migrations
from tests.support.checkout import Checkout

FOLDER = migrations.FOLDER
ROOT = Path(__file__).parents[4]


def effects(*statements: str) -> list[str]:
    code = "\n".join(["def upgrade():", *(f"    {statement}" for statement in statements), "    pass"])
    return [issue.effect for issue in migrations.issues("0003.py", code)]


@pytest.mark.parametrize(
    "statement",
    [
        'op.drop_table("todos")',
        'op.drop_column("todos", "title")',
        'op.rename_table("todos", "tasks")',
        'op.alter_column("todos", "title", new_column_name="name")',
        'op.alter_column("todos", "title", type_=sa.Integer())',
        'op.alter_column("todos", "title", nullable=False)',
        'op.add_column("todos", sa.Column("due", sa.Date(), nullable=False))',
        'op.execute("ALTER TABLE todos RENAME COLUMN title TO name")',
        'op.execute(sa.text("delete from todos"))',
        'op.execute(f"TRUNCATE {name}")',
        'op.execute("""ALTER TABLE todos\\n    DROP\\n    COLUMN title""")',
        'op.execute("ALTER TABLE todos\\tALTER COLUMN title\\n TYPE bigint")',
        'op.execute("ALTER TABLE todos ADD due date, DROP IF EXISTS title")',
        'op.execute("""ALTER TABLE todos ALTER COLUMN "title" TYPE bigint""")',
        'op.execute("ALTER TABLE todos ALTER title TYPE bigint")',
        'op.execute("ALTER TABLE todos ADD COLUMN price numeric(10, 2) NOT NULL")',
        'op.execute("ALTER TABLE todos ADD COLUMN c int NOT NULL, ADD COLUMN d int DEFAULT 1")',
        'op.execute("SELECT 1; DROP VIEW todays")',
        'op.execute("DROP /* at last */ TABLE todos")',
    ],
)
def test_statement_breaks_a_past_version(statement: str) -> None:
    assert effects(statement) == ["breaking"]


@pytest.mark.parametrize(
    "statement",
    [
        'op.create_table("tags", sa.Column("id", sa.Uuid(), primary_key=True, nullable=False))',
        'op.create_index("todos_by_day", "todos", ["due"])',
        'op.add_column("todos", sa.Column("due", sa.Date(), nullable=True))',
        'op.add_column("todos", sa.Column("done", sa.Boolean(), nullable=False, server_default="false"))',
        'op.alter_column("todos", "title", nullable=True)',
        'op.execute("UPDATE todos SET title = trim(title)")',
        'op.execute("ALTER TABLE public.todos\\n  ADD COLUMN price numeric(10, 2) NOT NULL DEFAULT 0")',
        'op.execute("CREATE INDEX todos_by_day ON todos (day, owner); COMMENT ON TABLE todos IS $$all$$;")',
        'op.execute("ALTER TABLE todos ALTER COLUMN title DROP NOT NULL")',
        'with op.get_context().autocommit_block(): op.create_index("i", "todos", ["due"])',
    ],
)
def test_statement_is_harmless(statement: str) -> None:
    assert effects(statement) == []


@pytest.mark.parametrize(
    "statement",
    [
        "op.execute(statement)",
        'op.add_column("todos", column)',
        'op.get_bind().execute(sa.text("…"))',
        'with op.batch_alter_table("todos") as todos: todos.drop_column("title")',
        "op.something_new()",
        'op.execute("ALTER TABLE todos ADD CONSTRAINT one_title UNIQUE (title)")',
        'op.execute("ALTER TABLE todos ADD due date, ADD day date")',
        'op.execute("CREATE UNIQUE INDEX one_title ON todos (title)")',
        'op.execute("CREATE TRIGGER watched BEFORE INSERT ON todos EXECUTE FUNCTION watch()")',
        'op.execute("ALTER TABLE todos DROP CONSTRAINT one_title")',
        'op.execute("DROP INDEX one_title")',
        'op.drop_constraint("one_title", "todos")',
        'op.drop_index("one_title")',
        'op.create_unique_constraint("one_title", "todos", ["title"])',
        'op.create_check_constraint("short", "todos", "length(title) < 80")',
        'op.create_index("one_title", "todos", ["title"], unique=True)',
    ],
)
def test_statement_is_unclear(statement: str) -> None:
    assert effects(statement) == ["unclear"]


def test_downgrade_is_ignored() -> None:
    more, undone = 'def more():\n    op.drop_table("a")\n', 'def downgrade():\n    op.drop_table("b")\n'
    code = f"def upgrade():\n    more()\n{more}{undone}"
    assert [issue.statement for issue in migrations.issues("0003.py", code)] == ["op.drop_table('a')"]
    assert [issue.effect for issue in migrations.issues("0003.py", "def")] == ["unclear"]


def test_own_migrations_are_harmless() -> None:
    files = sorted((ROOT / FOLDER).glob("*.py"))
    assert files
    assert [issue for file in files for issue in migrations.issues(file.name, file.read_text())] == []


def test_later_migrations_are_of_all_later_commits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    checkout = Checkout(tmp_path / "project", monkeypatch)
    before = checkout.commit({"values.yaml": "1"})
    first = checkout.commit({f"{FOLDER}/0001.py": "1", "values.yaml": "2"})
    second = checkout.commit({f"{FOLDER}/0002.py": "2", f"{FOLDER}/note.txt": "…"})
    (checkout.folder / FOLDER / "0002.py").unlink()
    third = checkout.commit({f"{FOLDER}/0003.py": "3"})
    fourth = checkout.commit({f"{FOLDER}/0003.py": "corrected"})

    found = migrations.added_since(first, [fourth, third, second, first])

    assert found == [(f"{FOLDER}/0002.py", second), (f"{FOLDER}/0003.py", fourth)]
    assert migrations.added_since(fourth, [fourth]) == []
    assert migrations.added_since(before, [fourth]) is None
