"""SQL that stands in a fence of its own: a look is asked through the manual's own way to the database; a definition is an example."""

from bisect import bisect_left
from functools import lru_cache

from keepwell.rooms.manual.importing.client_words import WRAPPERS, without_terminal
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
from keepwell.rooms.manual.reading.model import Kind, Manual
from keepwell.rooms.manual.reading.parts import Statement

_MOST = 50
"""Statements on one line."""
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
    first = bisect_left(fence.statements, view.item.line, key=lambda part: part.line)
    statement = next((part for part in fence.statements[first : first + _MOST] if part.text == view.item.text), None)
    if statement is None:
        return None
    found = (statement,)
    capabilities, operation = capabilities_of(found, view.words), operation_of(found, "postgres")
    if purpose_of(statement) is Purpose.DEFINITION:
        return Found(Fate.EXAMPLE, capabilities, operation)
    if fate_of(found) is Fate.STEP:
        return Found(Fate.STEP, capabilities, operation)
    return _look(statement, capabilities, operation, view.manual)


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


def _look(statement: Statement, capabilities: tuple[str, ...], operation: str, manual: Manual) -> Found:
    way = _way(manual)
    if way is None:
        return Found(Fate.CHECK, capabilities, operation, disposition=Disposition.MISSING, missing=(_DATABASE,))
    words, line = way
    run = [*words, *(["-At"] if gives_one_number(statement) else []), "-c", one_line(statement)]
    purpose = purpose_of(statement)
    draft = CheckDraft("command", {"run": run}, name=f"database-{purpose}", every=_HOW_OFTEN.get(purpose, ""))
    return Found(Fate.CHECK, capabilities, operation, (draft,), reason=f"asked through psql as in line {line}")


@lru_cache(maxsize=2)
def _way(manual: Manual) -> tuple[tuple[str, ...], int] | None:
    """The manual's own way to its database, and its line: the first psql whose words are certain and name a database."""
    for command in manual.commands:
        if (
            command.name == "psql"
            and command.option("-d", "--dbname")
            and not command.assignments
            and WRAPPERS.issuperset(command.wrappers)
        ):
            values = [(flag, value) for flag in _CONNECTION if (value := command.option(flag))]
            texts = [word.text for word in (*command.wrapper_words, command.words[0])]
            texts += [text for flag, value in values for text in (flag, value.text)]
            known = [text for text in texts if text is not None and "://" not in text]
            if len(known) == len(texts):
                return tuple(without_terminal(command, known, len(command.wrapper_words))), command.line
    return None


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
