"""SQL that stands in a fence of its own: a look is asked through the manual's own way to the database; a definition is an example."""

from keepwell.rooms.manual.importing.client_words import run_of
from keepwell.rooms.manual.importing.database_words import (
    Purpose,
    capabilities_of,
    fate_of,
    gives_one_number,
    one_line,
    operation_of,
    purpose_of,
)
from keepwell.rooms.manual.importing.model import CheckDraft, Disposition, Fate, Found, Missing, Recogniser, View, Wanting
from keepwell.rooms.manual.reading.model import Kind
from keepwell.rooms.manual.reading.parts import Statement
from keepwell.rooms.manual.reading.shell_model import ShellCommand

_CONNECTION = ("-h", "--host", "-p", "--port", "-U", "--username", "-d", "--dbname")
_HOW_OFTEN = {Purpose.SIZE: "1h", Purpose.STATISTICS: "1h"}
_DATABASE = Missing(
    "DATABASE", Wanting.VALUE, "the database", "The database that these statements are for, as a postgresql:// address", "url"
)


def _read(view: View) -> Found | None:
    fence = view.fence
    if fence is None or fence.language != "sql":
        return None
    if view.item.kind is Kind.FENCE:
        return _whole(fence.statements, view)
    statement = next((part for part in fence.statements if part.line == view.item.line and part.text == view.item.text), None)
    if statement is None:
        return None
    found = (statement,)
    capabilities, operation = capabilities_of(found, view.words), operation_of(found, "postgres")
    if purpose_of(statement) is Purpose.DEFINITION:
        return Found(Fate.EXAMPLE, capabilities, operation)
    if fate_of(found) is Fate.STEP:
        return Found(Fate.STEP, capabilities, operation)
    return _look(view, statement, capabilities, operation)


def _whole(statements: tuple[Statement, ...], view: View) -> Found | None:
    """A fence has the fate of most of its statements."""
    if not statements:
        return None
    defines = sum(purpose_of(part) is Purpose.DEFINITION for part in statements)
    capabilities = capabilities_of(statements, view.words)
    if defines * 2 > len(statements):
        return Found(Fate.EXAMPLE, capabilities)
    checks = sum(fate_of((part,)) is Fate.CHECK for part in statements)
    return Found(Fate.CHECK if checks * 2 > len(statements) else Fate.STEP, capabilities)


def _look(view: View, statement: Statement, capabilities: tuple[str, ...], operation: str) -> Found:
    command = next((part for part in view.manual.commands if part.name == "psql" and _connects(view, part)), None)
    if command is None:
        return Found(Fate.CHECK, capabilities, operation, disposition=Disposition.MISSING, missing=(_DATABASE,))
    words = [word.filled for word in (*command.wrapper_words, command.words[0])]
    for flag in _CONNECTION:
        value = command.option(flag)
        words += [flag, value.filled] if value else []
    words += [*(["-At"] if gives_one_number(statement) else []), "-c", one_line(statement)]
    draft = CheckDraft("command", {"run": words}, name=f"database-{purpose_of(statement)}", every=_HOW_OFTEN.get(purpose_of(statement), ""))
    return Found(Fate.CHECK, capabilities, operation, (draft,), reason=f"asked through psql as in line {command.line}")


def _connects(view: View, command: ShellCommand) -> bool:
    """Whether its way to the database is written out: every word is certain, and the database is named."""
    words = (*command.wrapper_words, *(value for flag in _CONNECTION if (value := command.option(flag))))
    return (
        bool(command.option("-d", "--dbname"))
        and not command.assignments
        and all(word.static for word in words)
        and run_of(view, command) is not None
    )


RECOGNISER = Recogniser(
    name="sql_statements",
    kinds=(Kind.STATEMENT, Kind.FENCE),
    read=_read,
    example="""# Shop

```sql
SELECT count(*) FROM pg_stat_activity;
CREATE INDEX orders_by_day ON orders (day);
```
""",
)
