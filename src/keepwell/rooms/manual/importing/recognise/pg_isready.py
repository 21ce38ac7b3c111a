"""pg_isready: whether a PostgreSQL server takes connections (pg_isready(1)). It needs no password."""

from keepwell.rooms.manual.importing.client_words import expected_of, first_named, only, options, plain_words, run_of, wanting
from keepwell.rooms.manual.importing.database_checks import ready
from keepwell.rooms.manual.importing.model import CheckDraft, Disposition, Fate, Found, Recogniser, View
from keepwell.rooms.manual.reading.model import Kind

_FLAGS = options("-h --host -p --port -U --username -d --dbname -t --timeout -q --quiet")


def _read(view: View) -> Found | None:
    command = first_named(view, "pg_isready")
    if command is None:
        return None
    expect = expected_of(view, command)
    operation = "postgres.ready" if only(command, _FLAGS) and plain_words(view) and expect is not None else ""
    settings, missing = run_of(view, command), wanting(view)
    if missing or settings is None or expect is None or not operation:
        return Found(
            Fate.CHECK, ("check.postgres",), operation, disposition=Disposition.MISSING if missing else Disposition.CARRIED, missing=missing
        )
    draft = ready(view, command) or CheckDraft("command", {**settings, **expect}, name="database-ready")
    return Found(Fate.CHECK, ("check.postgres",), operation, (draft,))


RECOGNISER = Recogniser(
    name="pg_isready",
    kinds=(Kind.COMMAND, Kind.ASSIGNMENT),
    programs=("pg_isready",),
    read=_read,
    example="""# Shop

```bash
pg_isready -h db1 -p 5432
```
""",
)
