"""What a server keeps in memory for as long as it runs is what it uses."""

import subprocess
import sys

HEAVY = (
    "aiohttp",
    "alembic",
    "asyncssh",
    "cryptography",
    "dns",
    "fastapi",
    "ftfy",
    "markdown_it",
    "prometheus_client",
    "promql_parser",
    "psycopg",
    "pyarrow",
    "re2",
    "sqlalchemy.dialects.postgresql",
    "tree_sitter",
)
"""Imported where they are needed: by a kind of check, a question, an update, a document. Together they weigh more than the server."""


def test_a_server_does_not_import_what_only_some_need() -> None:
    program = (
        f"import keepwell.app, keepwell.composition.serve, sys; keepwell.app.commands(); print(*sorted({set(HEAVY)!r} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split() == []
