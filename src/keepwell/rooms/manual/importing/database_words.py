"""What a statement of SQL is for, by its words: it looks, maintains, deletes, defines. Pure."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from keepwell.rooms.manual.reading.parts import Statement

from .model import Fate


class Purpose(StrEnum):
    """What a statement is for."""

    ACTIVITY = "activity"
    """Sessions, locks and replication, as they are now."""
    SIZE = "size"
    STATISTICS = "statistics"
    """What the server has counted: statements, indexes, tables; and its settings."""
    COUNT = "count"
    """How many rows, or which are the newest."""
    REPORT = "report"
    """Figures of an application's own tables, grouped or averaged."""
    CONTROL = "control"
    """It ends sessions or reloads the server."""
    MAINTENANCE = "maintenance"
    DATA = "data"
    """It writes, moves or deletes rows."""
    DEFINITION = "definition"
    """Indexes, partitions, settings, tables."""
    ACCOUNT = "account"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class _Word:
    purpose: Purpose
    operation: str
    destructive: bool = False


_VERBS = {
    "VACUUM": _Word(Purpose.MAINTENANCE, "vacuum"),
    "ANALYZE": _Word(Purpose.MAINTENANCE, "analyze"),
    "ANALYSE": _Word(Purpose.MAINTENANCE, "analyze"),
    "OPTIMIZE": _Word(Purpose.MAINTENANCE, "optimize"),
    "REINDEX": _Word(Purpose.MAINTENANCE, "reindex"),
    "CLUSTER": _Word(Purpose.MAINTENANCE, "cluster"),
    "CHECKPOINT": _Word(Purpose.MAINTENANCE, "checkpoint"),
    "REFRESH": _Word(Purpose.MAINTENANCE, "refresh"),
    "DELETE": _Word(Purpose.DATA, "delete_rows", destructive=True),
    "TRUNCATE": _Word(Purpose.DATA, "truncate", destructive=True),
    "UPDATE": _Word(Purpose.DATA, "update_rows", destructive=True),
    "INSERT": _Word(Purpose.DATA, "insert_rows"),
    "DROP": _Word(Purpose.DEFINITION, "drop", destructive=True),
    "CREATE": _Word(Purpose.DEFINITION, "create"),
    "ALTER": _Word(Purpose.DEFINITION, "alter"),
    "SET": _Word(Purpose.DEFINITION, "set"),
    "GRANT": _Word(Purpose.ACCOUNT, "grant"),
    "REVOKE": _Word(Purpose.ACCOUNT, "revoke"),
    "KILL": _Word(Purpose.CONTROL, "terminate_sessions", destructive=True),
    "SHOW": _Word(Purpose.STATISTICS, "query"),
    "EXPLAIN": _Word(Purpose.STATISTICS, "query"),
    "SELECT": _Word(Purpose.REPORT, "query"),
    "WITH": _Word(Purpose.REPORT, "query"),
    "TABLE": _Word(Purpose.COUNT, "query"),
    "VALUES": _Word(Purpose.COUNT, "query"),
    "BEGIN": _Word(Purpose.OTHER, "transaction"),
    "COMMIT": _Word(Purpose.OTHER, "transaction"),
}
_LOOKS = frozenset((Purpose.ACTIVITY, Purpose.SIZE, Purpose.STATISTICS, Purpose.COUNT, Purpose.REPORT))
_JUDGED = frozenset((Purpose.ACTIVITY, Purpose.SIZE, Purpose.STATISTICS, Purpose.COUNT))
_QUOTED = re.compile(r"'(?:[^']|'')*'|\"[^\"]*\"")
_ENDS_SESSIONS = re.compile(r"\bpg_(?:terminate|cancel)_backend\b", re.IGNORECASE)
_WRITES = re.compile(r"\b(?:insert|update|delete|merge|truncate|drop|alter|create|grant|revoke|copy|call|into|lock)\b|\\", re.IGNORECASE)
"""Words that a statement that only looks has not, outside of quotes; a backslash is the client's own command."""
_CALLED = re.compile(r"\b([a-z_]\w*)\s*\(", re.IGNORECASE)
_NO_CALLS = frozenset(
    (
        *(
            "in",
            "exists",
            "over",
            "filter",
            "values",
            "and",
            "or",
            "not",
            "as",
            "on",
            "any",
            "all",
            "some",
            "group",
            "from",
            "join",
            "select",
        ),
        *(
            "where",
            "when",
            "then",
            "else",
            "by",
            "using",
            "interval",
            "limit",
            "distinct",
            "lateral",
            "union",
            "except",
            "intersect",
            "with",
        ),
        *("between", "like", "ilike", "having", "numeric", "varchar", "char", "timestamp", "explain", "partition", "materialized", "case"),
    )
)
_READING = re.compile(
    r"count|sum|avg|min|max|stddev\w*|variance|var_\w+|percentile_(?:cont|disc)|mode|now|current_\w+|version|extract|date_(?:trunc|part|bin)|age|round"
    r"|floor|ceil(?:ing)?|abs|trunc|mod|coalesce|nullif|greatest|least|cast|to_(?:char|timestamp|date|number)|length|lower|upper|trim|substr(?:ing)?"
    r"|left|right|concat(?:_ws)?|replace|split_part|position|regexp_\w+|quote_(?:ident|literal)|format|(?:string|array|jsonb?|bool)_?agg|array_\w+"
    r"|unnest|generate_series|make_interval|justify_\w+|row_number|rank|dense_rank|ntile|lag|lead|first_value|last_value|clock_timestamp|jsonb?_\w+"
    r"|pg_size_pretty|pg_size_bytes|pg_\w+_size|pg_stat_get_\w+|pg_blocking_pids|pg_is_in_recovery|pg_last_\w+|pg_wal_lsn_diff|pg_current_wal_\w*lsn"
    r"|pg_postmaster_start_time|pg_get_\w+|has_\w+_privilege|format_type|obj_description|col_description|pg_is_wal_replay_paused|ifnull|if|date_format"
    r"|unix_timestamp|timestampdiff|curdate|date|datediff|group_concat|txid_current_if_assigned|bool_and|bool_or|width_bucket",
    re.IGNORECASE,
)
"""Functions that change nothing. Any other may: it is a step."""
_TOPICS = (
    (Purpose.SIZE, r"pg_(?:database|relation|table|total_relation|indexes|tablespace)_size|\bdata_length\b"),
    (Purpose.ACTIVITY, r"pg_stat_(?:activity|replication|wal_receiver|progress\w*)|pg_locks|pg_blocking_pids|pg_is_in_recovery"),
    (Purpose.ACTIVITY, r"\bprocesslist\b"),
    (Purpose.STATISTICS, r"pg_stat_\w+|pg_statio_\w+|pg_settings|pg_indexes|pg_class|pg_replication_slots|\b\w+_schema\."),
    (Purpose.ACTIVITY, r"\bfrom pg_(?:database|roles|user)\b|^select (?:1|version\(\)|now\(\)|current_\w+)$"),
)  # fmt: skip
_GROUPED = re.compile(r"\bgroup\s+by\b|\b(?:avg|sum|percentile_cont|date_trunc|stddev)\s*\(", re.IGNORECASE)
_ACCOUNT = re.compile(r"^(?:create|alter|drop)\s+(?:user|role)\b", re.IGNORECASE)
_ONE_VALUE = re.compile(
    r"^select\s+(?:count\s*\([^)]*\)|pg_\w+_size\s*\([^)]*\)|max\s*\([^)]*\))(?:\s+as\s+\w+)?\s+from\s+[^;]*$|^select 1$", re.IGNORECASE
)


def purpose_of(statement: Statement) -> Purpose:
    """What one statement is for."""
    code, known = statement.code.rstrip(";").strip().removesuffix("\\G"), _VERBS.get(statement.verb)
    if statement.verb.startswith("\\"):
        return Purpose.STATISTICS if re.fullmatch(r"\\(?:d\w*\+?|l\+?|conninfo)(?:\s[\w.*]*)?", code) else Purpose.OTHER
    if known is None or known.purpose not in _LOOKS:
        return _changing(code, statement.verb, known.purpose if known else Purpose.OTHER)
    bare = _QUOTED.sub("''", code)
    if _ENDS_SESSIONS.search(bare):
        return Purpose.CONTROL
    if _WRITES.search(bare):
        return Purpose.DATA
    if not all(name.lower() in _NO_CALLS or _READING.fullmatch(name) for name in _CALLED.findall(bare)):
        return Purpose.CONTROL
    topic = next((purpose for purpose, pattern in _TOPICS if re.search(pattern, code, re.IGNORECASE)), None)
    if topic:
        return topic
    return known.purpose if statement.verb in ("SHOW", "EXPLAIN") else Purpose.REPORT if _GROUPED.search(code) else Purpose.COUNT


def _changing(code: str, verb: str, otherwise: Purpose) -> Purpose:
    if _ACCOUNT.match(code):
        return Purpose.ACCOUNT
    # A table made from another one's rows is a copy of rows, not a design.
    return Purpose.DATA if verb == "CREATE" and re.search(r"\btable\b.*\bas\s+(?:select|with)\b", code, re.IGNORECASE) else otherwise


def reads_only(statements: Sequence[Statement]) -> bool:
    """Whether all of them only look."""
    return bool(statements) and all(purpose_of(statement) in _LOOKS for statement in statements)


def operation_of(statements: Sequence[Statement], server: str) -> str:
    """The typed operation: that of all of them where they agree, ``script`` where they do not; empty where one is not understood."""
    names = [_operation(statement) for statement in statements]
    used = {name for name in names if name != "transaction"}
    if "" in used or not used:
        return ""
    return f"{server}.{used.pop() if len(used) == 1 else 'script'}"


def _operation(statement: Statement) -> str:
    purpose, known = purpose_of(statement), _VERBS.get(statement.verb)
    if purpose is Purpose.CONTROL and known and known.purpose in _LOOKS:
        return "terminate_sessions" if _ENDS_SESSIONS.search(statement.code) else ""
    if purpose is Purpose.DATA and known and known.purpose in (*_LOOKS, Purpose.DEFINITION):
        return "archive_rows" if statement.verb == "CREATE" else "" if "\\" in statement.code else "write_rows"
    if purpose in _LOOKS:
        return "query"
    return known.operation if known else ""


def fate_of(statements: Sequence[Statement]) -> Fate:
    """One look at the state is a check; a report, several looks and every change are steps."""
    return Fate.CHECK if len(statements) == 1 and purpose_of(statements[0]) in _JUDGED else Fate.STEP


def gives_one_number(statement: Statement) -> bool:
    """Whether its answer is a single number."""
    code = statement.code.rstrip(";").strip()
    return bool(_ONE_VALUE.match(code)) and not _GROUPED.search(code) and "pg_size_pretty" not in code


def capabilities_of(statements: Sequence[Statement], words: str) -> tuple[str, ...]:
    """What they are about; ``words`` are the titles and the comment around them."""
    found = [_capability(statement, words) for statement in statements]
    wide = ["capacity"] if re.search(r"capacity|growth", words) and any(purpose_of(part) is Purpose.SIZE for part in statements) else []
    return tuple(dict.fromkeys([*wide, *found, *(["database.report"] if reads_only(statements) else ["database.maintenance"])]))[:2]


def _capability(statement: Statement, words: str) -> str:
    match purpose_of(statement):
        case Purpose.ACTIVITY | Purpose.COUNT:
            return "check.postgres"
        case Purpose.SIZE | Purpose.STATISTICS:
            return "database.report"
        case Purpose.REPORT:
            return "logs.analyse" if re.search(r"\bfrom\s+\w*logs?\b", statement.code, re.IGNORECASE) else "report"
        case Purpose.CONTROL:
            return "runbook"
        case Purpose.DEFINITION:
            return "restore.database" if re.search(r"restor|recover", words) else "database.tuning"
        case Purpose.ACCOUNT:
            return "keys.rotate" if re.search(r"rotat|password", f"{words} {statement.code}".lower()) else "security.accounts"
        case _:
            return "database.maintenance"


def one_line(statement: Statement) -> str:
    """The statement on one line where that changes nothing: not where text in quotes goes over lines, or comments stand in it."""
    quoted = r"'(?:[^']|'')*'"
    same = re.findall(quoted, statement.text) == re.findall(quoted, statement.code)
    return statement.code if same else statement.text
