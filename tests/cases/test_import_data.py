"""Recognisers of databases, copies, logs and crontabs against small manuals: what each says of which item stands beside the manual."""

import json
import time
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import yaml

from keepwell.composition import verbs
from keepwell.rooms.manual.importing import recognise
from keepwell.rooms.manual.importing.capabilities import CAPABILITIES
from keepwell.rooms.manual.importing.model import CheckDraft, Disposition, Draft, EntryDraft, Found, Recogniser, TaskDraft, View
from keepwell.rooms.manual.importing.views import views
from keepwell.rooms.manual.reading.document import read_manual
from keepwell.rooms.manual.reading.model import Kind

HERE = Path(__file__).parent / "import"
NAMES = (
    *(
        "aws",
        "copies",
        "cron",
        "find_age",
        "gzip",
        "log_files",
        "log_pipelines",
        "logrotate",
        "mysql",
        "other_dumps",
        "pg_dump",
        "pg_isready",
        "pg_restore",
    ),
    *("psql", "redis_cli", "restic", "rsync", "sql_statements", "tar"),
)
CASES = [path for name in NAMES for path in sorted((HERE / name).glob("*.md"))]


def recogniser(name: str) -> Recogniser:
    found: Recogniser = import_module(f"{recognise.__name__}.{name}").RECOGNISER
    return found


def claims(which: Recogniser, seen: Sequence[View]) -> dict[str, Found]:
    """What a recogniser says of each item that it is asked for, by the item's line and kind."""
    asked = (view for view in seen if view.item.kind in which.kinds and is_asked(which, view))
    answers = ((view, which.read(view)) for view in asked)
    return {f"{view.item.line} {view.item.kind.value}": found for view, found in answers if found is not None}


def seen_in(data: bytes) -> list[View]:
    return list(views(read_manual(data, "manual.md")))


def is_asked(which: Recogniser, view: View) -> bool:
    return not which.programs or any(command.name in which.programs for command in view.pipeline)


def plain(draft: Draft) -> dict[str, Any]:
    match draft:
        case CheckDraft():
            measures = {"measures": list(draft.measures)} if draft.measures else {}
            return {"check": draft.name, draft.kind: draft.settings, **measures}
        case EntryDraft():
            return {"entry": f"{draft.section}.{draft.name}", **draft.value}
        case TaskDraft():
            return {"task": draft.every, "title": draft.title, **({"script": draft.script} if draft.script else {}), **draft.settings}
        case _:
            return {"draft": repr(draft)}


def summary(found: Found) -> dict[str, Any]:
    said: dict[str, Any] = {"fate": found.fate.value, "about": " ".join(found.capabilities)}
    if found.operation:
        said["operation"] = found.operation
    if found.disposition is not Disposition.CARRIED:
        said["disposition"] = found.disposition.value
    if found.missing:
        said["missing"] = [missing.name for missing in found.missing]
    if found.drafts:
        said["drafts"] = [plain(draft) for draft in found.drafts]
    as_yaml: dict[str, Any] = json.loads(json.dumps(said))
    return as_yaml


@pytest.mark.parametrize("path", CASES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_a_manual_gives_what_stands_beside_it(path: Path) -> None:
    expected = yaml.safe_load(path.with_suffix(".yaml").read_text())
    found = claims(recogniser(path.parent.name), seen_in(path.read_bytes()))
    assert {place: summary(one) for place, one in found.items()} == expected


@pytest.mark.parametrize("path", CASES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_what_it_says_is_sound(path: Path) -> None:
    for found in claims(recogniser(path.parent.name), seen_in(path.read_bytes())).values():
        assert 1 <= len(found.capabilities) <= 2
        assert set(found.capabilities) <= CAPABILITIES
        for draft in found.drafts:
            if isinstance(draft, CheckDraft):
                assert verbs.check_problem(draft.kind, draft.settings) == ""


@pytest.mark.parametrize("name", NAMES)
def test_its_example_is_recognised(name: str) -> None:
    which = recogniser(name)
    assert which.name == name
    found = claims(which, seen_in(which.example.encode()))
    assert found
    commands = [one for place, one in found.items() if place.endswith(Kind.COMMAND.value)]
    assert all(one.operation for one in commands), "each command of an example is understood"


def everything(text: str) -> list[Found]:
    seen = seen_in(text.encode())
    return [found for name in NAMES for found in claims(recogniser(name), seen).values()]


def shell(*lines: str) -> str:
    return "# Shop\n\n```bash\n" + "\n".join(lines) + "\n```\n"


HOSTILE = {
    "values of values": shell(
        *(f"{name}={f'${inner}' * 200}" for name, inner in (("A", "B"), ("B", "C"), ("C", "D"), ("D", "E"))),
        "E=" + "x" * 1000,
        "tar -czf /backup/$A.tar.gz /srv",
        "psql -h $A -c 'select 1'",
    ),
    "a value of itself": shell("A=$A/x", "tar -czf /backup/$A.tar.gz $A"),
    "awk without an end": shell("awk '" + "+= END { print " * 3000 + "' /var/log/a.log"),
    "sed without an end": shell("sed '" + "s/////" * 3000 + "' /var/log/a.log"),
    "a condition without an end": shell("awk '/" + "a" * 20_000 + " {{{' /var/log/a.log | awk '" + "$1 >" * 5000 + "{' "),
    "many copies and many prunings": shell(
        *(f"find /backup/{number} -name 'x*' -mtime +{number} -delete" for number in range(1, 400)),
        *(f"tar -czf /backup/{number}/y.tar.gz /srv" for number in range(400)),
    ),
    "many entries": "# Shop\n\n```crontab\n" + "0 1 * * * /opt/x.sh\n" * 1500 + "```\n",
    "many statements": "# Shop\n\n```sql\n" + "SELECT 1;\n" * 1500 + "```\n",
    "statements on one line": "# Shop\n\n```sql\n" + "SELECT 1;" * 1500 + "\n```\n",
    "sql that opens and never closes": shell("psql -d shop -c 'SELECT " + "count(" * 3000 + "'"),
    "a tree that never ends": "# Shop\n\n```\n/var/log/\n" + "|" * 30_000 + "\n```\n",
    "names of nothing": shell(
        "tar -czf ''", "psql ''", "rsync '' ''", "cp '' ''", "find ''", "aws", "aws s3", "redis-cli ''", "gzip ''", "grep"
    ),
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_text_is_read_in_bounded_time_and_space(text: str) -> None:
    seen = seen_in(text.encode())
    before = time.process_time()
    found = [found for name in NAMES for found in claims(recogniser(name), seen).values()]
    assert time.process_time() - before < 3
    assert len(repr(found)) < 3_000_000


def test_no_password_becomes_part_of_a_check() -> None:
    text = shell(
        "psql postgresql://shop:hunter2@db1/shop -c 'SELECT 1'",
        "PGPASSWORD=hunter2 psql -h db1 -c 'SELECT 1'",
        "env PGPASSWORD=hunter2 psql -h db1 -c 'SELECT 1'",
        "redis-cli -a hunter2 ping",
        "redis-cli --pass hunter2 ping",
        "redis-cli -u redis://:hunter2@cache1:6379 ping",
        "mysql -phunter2 -e 'SELECT 1'",
        "mysqladmin --password=hunter2 ping",
        "pg_dump postgresql://shop:hunter2@db1/shop > /backup/shop.sql",
        "restic -r rest:https://me:hunter2@store1/shop backup /srv",
        "rclone ls s3:shop --s3-secret-access-key hunter2",
    )
    drafts = [draft for found in everything(text) for draft in found.drafts]
    assert drafts
    assert not [draft for draft in drafts if "hunter2" in repr(draft)]


def test_a_secret_that_was_filled_in_stays_a_secret() -> None:
    manual = read_manual(shell("redis-cli -u $REDIS_URL ping", 'psql -h db1 -c "SELECT 1"').encode(), "manual.md")
    first = next(view for view in views(manual, {"REDIS_URL": "secret:REDIS_URL"}) if view.item.kind is Kind.COMMAND)
    found = recogniser("redis_cli").read(first)
    assert found is not None
    assert found.disposition is Disposition.CARRIED
    (draft,) = found.drafts
    assert isinstance(draft, CheckDraft)
    assert (draft.kind, draft.settings) == ("redis", {"address": "secret:REDIS_URL"})


@pytest.mark.parametrize(
    ("line", "kind", "settings"),
    [
        ("redis-cli ping", "redis", {"address": "redis://127.0.0.1:6379"}),
        ("redis-cli -h cache1 -p 6380 -n 2 --tls ping", "redis", {"address": "rediss://cache1:6380/2"}),
        ("redis-cli -a $CACHE_PASSWORD ping", "redis", {"address": "redis://127.0.0.1:6379", "password": "secret:CACHE_PASSWORD"}),
        ("redis-cli info replication", "redis", {"address": "redis://127.0.0.1:6379", "replication": {}}),
        ("redis-cli -h cache1 info", "redis", {"address": "redis://cache1:6379"}),
        ("redis-cli info commandstats", "command", {"run": ["redis-cli", "info", "commandstats"]}),
        ("redis-cli dbsize", "command", {"run": ["redis-cli", "dbsize"]}),
        ("docker exec cache redis-cli info", "command", {"run": ["docker", "exec", "cache", "redis-cli", "info"]}),
    ],
)
def test_redis_is_asked_by_its_own_kind_where_that_can_ask(line: str, kind: str, settings: dict[str, Any]) -> None:
    manual = read_manual(shell(line).encode(), "manual.md")
    view = next(view for view in views(manual, {"CACHE_PASSWORD": "secret:CACHE_PASSWORD"}) if view.item.kind is Kind.COMMAND)
    found = recogniser("redis_cli").read(view)
    assert found is not None
    (draft,) = found.drafts
    assert isinstance(draft, CheckDraft)
    assert (draft.kind, draft.settings) == (kind, settings)
    assert verbs.check_problem(kind, settings) == ""


@pytest.mark.parametrize(
    ("line", "kind", "settings"),
    [
        ('pg_isready -d "$DATABASE_URL"', "postgres", {"address": "secret:DATABASE_URL"}),
        ('psql "$DATABASE_URL" -c "SELECT 1"', "postgres", {"address": "secret:DATABASE_URL"}),
        ('psql -d $DATABASE_URL -c "select count(*) from pg_stat_activity;"', "postgres", {"connections": {}}),
        ("psql $DATABASE_URL -c \"SELECT pg_size_pretty(pg_database_size('shop'))\"", "postgres", {"size": {}}),
        ('psql $DATABASE_URL -c "SELECT count(*) FROM orders"', "command", {}),
        ("pg_isready -h db1", "command", {"run": ["pg_isready", "-h", "db1"]}),
        ('psql -h db1 -d shop -c "SELECT 1"', "command", {}),
    ],
)
def test_a_database_whose_address_is_a_secret_is_asked_by_its_own_kind(line: str, kind: str, settings: dict[str, Any]) -> None:
    manual = read_manual(shell(line).encode(), "manual.md")
    view = next(view for view in views(manual, {"DATABASE_URL": "secret:DATABASE_URL"}) if view.item.kind is Kind.COMMAND)
    found = recogniser(line.split()[0]).read(view)
    assert found is not None
    (draft,) = found.drafts
    assert isinstance(draft, CheckDraft)
    assert draft.kind == kind
    assert settings.items() <= draft.settings.items()
    assert ("address" in draft.settings) == (kind == "postgres")
    assert verbs.check_problem(kind, draft.settings) == ""


def test_a_value_that_was_filled_in_is_used() -> None:
    manual = read_manual(shell("pg_isready -h $DATABASE_HOST").encode(), "manual.md")
    view = next(view for view in views(manual, {"DATABASE_HOST": "db7"}) if view.item.kind is Kind.COMMAND)
    found = recogniser("pg_isready").read(view)
    assert found is not None
    assert not found.missing
    assert plain(found.drafts[0]) == {"check": "database-ready", "command": {"run": ["pg_isready", "-h", "db7"]}}
