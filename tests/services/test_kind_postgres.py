"""The ``postgres`` kind against a real primary and its replica."""

import asyncio
import contextlib
import os
import subprocess
import time
from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any

import psycopg
import pytest
import trustme

from keepwell.kernel.states import State
from keepwell.rooms.checks.kinds.postgres import DRIVER
from keepwell.rooms.checks.model import Earlier, Observation
from tests.postgresql_pair import Node, Pair, postgresql_pair
from tests.services.look import look
from tests.support import need, wait_until

__all__ = ["postgresql_pair"]


@pytest.fixture(scope="module")
def shop(postgresql_pair: Pair) -> Pair:
    """The pair with a database: a table with dead rows, one in partitions, an index that nobody reads."""
    primary = postgresql_pair.primary
    primary.run("CREATE DATABASE shop")
    for statement in (
        "CREATE EXTENSION pg_stat_statements",
        "CREATE TABLE orders (id int8 PRIMARY KEY, note text, paid bool)",
        "CREATE INDEX orders_note ON orders (note)",
        "INSERT INTO orders SELECT n, repeat('x', 40), n % 2 = 0 FROM generate_series(1, 20000) AS n",
        "DELETE FROM orders WHERE id <= 8000",
        "CREATE TABLE events (day date, body text) PARTITION BY RANGE (day)",
        "CREATE TABLE events_2026 PARTITION OF events FOR VALUES FROM ('2026-01-01') TO ('2027-01-01')",
        "INSERT INTO events SELECT '2026-05-01', repeat('y', 100) FROM generate_series(1, 5000)",
        "ANALYZE events_2026",
    ):
        primary.run(statement, "shop")
    wait_until(lambda: "shop" in _databases(postgresql_pair.replica), 10, "the replica's copy of it")
    return postgresql_pair


async def at(node: Node, monkeypatch: pytest.MonkeyPatch, options: Mapping[str, Any], **more: Any) -> Observation:
    """A look at the node's database ``shop``, its connection string a secret."""
    given = {key: more.pop(key) for key in ("user", "database", "more") if key in more}
    monkeypatch.setenv("SHOP_DATABASE", node.url(**{"database": "shop", **given}))
    return await look("postgres", {"address": "secret:SHOP_DATABASE", **options}, **more)


async def test_a_plain_check(shop: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = await at(shop.primary, monkeypatch, {})
    assert seen.state is State.OK, seen.sentence
    assert seen.sentence.startswith(f"127.0.0.1:{shop.primary.port}/shop accepts connections: PostgreSQL 15.")
    assert ", up for " in seen.sentence
    assert ", connected in " in seen.sentence
    assert 0 < seen.values["connect_seconds"] < 1
    assert 0 < seen.values["uptime_seconds"] < 600


async def test_a_standby_says_that_it_is_one(shop: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = await at(shop.replica, monkeypatch, {"replication": {}})
    assert seen.state is State.OK, seen.sentence
    assert ", a standby, up for " in seen.sentence
    assert "this standby is 0 s behind, warn above 30 s, fail above 5 min" in seen.sentence
    assert seen.values["replication_lag_bytes"] == 0


async def test_connecting_slowly(shop: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = await at(shop.primary, monkeypatch, {"connect": {"warn": "> 0s"}})
    assert seen.state is State.WARN
    assert seen.sentence.endswith(", warn above 0 s")


async def test_connections_by_state(shop: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    with ExitStack() as stack:
        sessions = [stack.enter_context(psycopg.connect(shop.primary.url("shop"))) for _ in range(9)]
        sessions[0].execute("SELECT 1")
        seen = await at(shop.primary, monkeypatch, {"connections": {}})
        assert seen.state is State.WARN, seen.sentence
        assert "9 of 10 connections are in use (90 %, 3 more are reserved): 8 idle, 1 idle in transaction, warn above 80 %" in seen.sentence
        assert seen.values["connections"] == 9
        assert seen.values["connections_idle_in_transaction"] == 1
        assert seen.values["connections_max"] == 13
        stack.enter_context(psycopg.connect(shop.primary.url("shop")))
        full = await at(shop.primary, monkeypatch, {"connections": {}})
        assert full.state is State.FAIL, full.sentence
        assert "10 of 10 connections are in use (100 %" in full.sentence
        monkeypatch.setenv("PGPASSWORD", "right")
        refused = await at(shop.primary, monkeypatch, {}, user="clerk")
        assert refused.state is State.FAIL
        assert "has no connection left for us (too many connections)" in refused.sentence


async def test_long_statements_and_transactions(shop: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    options = {"longest_query": {"warn": "> 200ms"}, "longest_transaction": {"warn": "> 200ms"}, "idle_in_transaction": {"fail": "> 200ms"}}
    quiet = await at(shop.primary, monkeypatch, options)
    assert quiet.state is State.OK, quiet.sentence
    assert "no statement is running" in quiet.sentence
    assert "no transaction is open" in quiet.sentence
    with psycopg.connect(shop.primary.url("shop")) as idle, psycopg.connect(shop.primary.url("shop")) as busy:
        idle.execute("SELECT 1")
        busy.pgconn.send_query(b"SELECT pg_sleep(20)")
        await asyncio.sleep(0.3)
        seen = await at(shop.primary, monkeypatch, options)
        busy.cancel_safe()
        busy.pgconn.get_result()
        busy.pgconn.get_result()
    assert seen.state is State.FAIL, seen.sentence
    assert "a session has been idle in a transaction for " in seen.sentence
    assert f"(pid {idle.info.backend_pid if not idle.closed else ''}" in seen.sentence
    assert "the longest statement has been running for " in seen.sentence
    assert "user postgres, database shop), warn above 200 ms" in seen.sentence
    assert 0.3 < seen.values["longest_query_seconds"] < 5
    assert 0.3 < seen.values["idle_in_transaction_seconds"] < 5


async def test_a_prepared_transaction_counts(shop: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    with psycopg.connect(shop.primary.url("shop"), autocommit=True) as session:
        session.execute("BEGIN")
        session.execute("CREATE TABLE never (n int)")
        session.execute("PREPARE TRANSACTION 'forgotten'")
        try:
            seen = await at(shop.primary, monkeypatch, {"longest_transaction": {"fail": "> 0s"}})
        finally:
            session.execute("ROLLBACK PREPARED 'forgotten'")
    assert seen.state is State.FAIL
    assert "the oldest transaction has been prepared, and not finished, for " in seen.sentence


async def test_a_user_without_rights_is_told_what_it_cannot_see(shop: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGPASSWORD", "right")
    with psycopg.connect(shop.primary.url("shop")):
        seen = await at(shop.primary, monkeypatch, {"longest_query": {}, "connections": {}, "replication": {}}, user="clerk")
    assert seen.state is State.UNKNOWN, seen.sentence
    assert "1 session of other users cannot be seen into: GRANT pg_monitor to this user" in seen.sentence
    assert "1 of 10 connections are in use (10 %, 3 more are reserved): 1 hidden from this user" in seen.sentence
    assert "1 standby cannot be seen into" in seen.sentence


async def test_replication_seen_from_the_primary(shop: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = await at(shop.primary, monkeypatch, {"replication": {}, "slots": {}})
    assert seen.state is State.OK, seen.sentence
    assert "the standby walreceiver (127.0.0.1) is " in seen.sentence
    assert "1 standby replicates from this server, expected >= 1" in seen.sentence
    assert "the slot r1 holds back " in seen.sentence
    assert seen.values["standbys"] == 1
    missing = await at(shop.primary, monkeypatch, {"replication": {"standbys": ">= 2"}})
    assert missing.state is State.FAIL
    assert "1 standby replicates from this server, expected >= 2" in missing.sentence


async def test_a_standby_that_lags(shop: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    options = {"replication": {"warn": "> 100ms", "bytes": {"fail": "> 10kB"}}}
    shop.replica.run("SELECT pg_wal_replay_pause()")
    try:
        shop.primary.run("CREATE TABLE filler AS SELECT repeat('z', 1000) AS body FROM generate_series(1, 500)", "shop")
        await asyncio.sleep(0.3)
        behind = await at(shop.replica, monkeypatch, options)
        above = await at(shop.primary, monkeypatch, options)
    finally:
        shop.replica.run("SELECT pg_wal_replay_resume()")
        shop.primary.run("DROP TABLE filler", "shop")
    assert behind.state is State.FAIL, behind.sentence
    assert "of log left to replay, fail above 10 kB" in behind.sentence
    assert "replay is paused on this standby" in behind.sentence
    assert behind.values["replication_lag_bytes"] > 100_000
    assert behind.values["replication_lag_seconds"] > 0.2
    assert above.state is State.FAIL, above.sentence
    assert above.values["replication_lag_bytes"] > 100_000


async def test_a_primary_that_is_gone(shop: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.replica.stop()
    try:
        alone = await at(shop.primary, monkeypatch, {"replication": {}, "slots": {"fail": "> 10kB"}})
        shop.primary.run("CREATE TABLE more AS SELECT repeat('z', 1000) AS body FROM generate_series(1, 500)", "shop")
        held = await at(shop.primary, monkeypatch, {"slots": {"fail": "> 10kB"}})
        shop.primary.run("DROP TABLE more", "shop")
        gone = await at(shop.replica, monkeypatch, {})
    finally:
        shop.replica.start()
    assert alone.state is State.FAIL
    assert "no standby replicates from this server, expected >= 1" in alone.sentence
    assert held.state is State.FAIL, held.sentence
    assert "the slot r1, which nobody reads, holds back " in held.sentence
    assert "1 of 1 slot without a reader: r1" in held.sentence
    assert gone.state is State.FAIL
    assert gone.sentence == f"connection refused by 127.0.0.1:{shop.replica.port}"


async def test_tables(shop: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    options = {
        "dead_tuples": {"minimum": 5000},
        "vacuum": {},
        "analyze": {},
        "size": {"warn": "> 1MB"},
        "largest_table": {},
        "tables": {"public.orders": {"fail": "> 100kB"}, "events": {}, "nowhere": {}},
        "wraparound": {},
    }
    wait_until(lambda: _dead(shop.primary) == 8000, 10, "the statistics of the table")
    seen = await at(shop.primary, monkeypatch, options)
    assert seen.state is State.FAIL, seen.sentence
    assert "40 % of the rows of public.orders are dead (8000), warn above 20 %" in seen.sentence
    assert "public.orders has never been vacuumed since statistics began, and 8000 dead rows wait" in seen.sentence
    assert "public.orders has never been analyzed" in seen.sentence
    assert "there is no table nowhere" in seen.sentence
    assert "the largest table, public.orders, has " in seen.sentence
    assert "the oldest transaction number, in " in seen.sentence
    assert seen.values["dead_tuples_ratio"] == 0.4
    assert seen.values["table_events_bytes"] > 500_000  # its rows stand in a partition
    assert seen.values["table_public_orders_bytes"] > 1_000_000
    assert seen.values["database_bytes"] > 5_000_000
    assert 0 < seen.values["wraparound_ratio"] < 0.01


def _databases(node: Node) -> set[str]:
    with psycopg.connect(node.url()) as connection:
        return {str(name) for (name,) in connection.execute("SELECT datname FROM pg_database")}


def _dead(node: Node) -> int:
    with psycopg.connect(node.url("shop")) as connection:
        row = connection.execute("SELECT n_dead_tup FROM pg_stat_user_tables WHERE relname = 'orders'").fetchone()
    return int(row[0]) if row else -1


async def test_indexes_that_nobody_reads(shop: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = await at(shop.primary, monkeypatch, {"unused_indexes": {"smallest": "8kB"}})
    assert seen.state is State.WARN, seen.sentence
    assert "1 index of 7.812 KiB or more is never read (" in seen.sentence
    assert "for example public.orders_note, warn above 0" in seen.sentence  # the primary key's does not count
    quiet = await at(shop.primary, monkeypatch, {"unused_indexes": {"smallest": "1GB"}})
    assert quiet.state is State.OK, quiet.sentence


async def test_slow_statements(shop: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(10):
        shop.primary.run("SELECT pg_sleep(0.02)", "shop")
    for _ in range(10):
        shop.primary.run("ALTER ROLE clerk PASSWORD 'right'", "shop")
    seen = await at(shop.primary, monkeypatch, {"slow_statements": {"warn": "> 10ms"}})
    assert seen.state is State.WARN, seen.sentence
    assert 'on average of 10 calls: "SELECT pg_sleep($1)", warn above 10 ms' in seen.sentence
    assert "right" not in seen.detail
    absent = await at(shop.primary, monkeypatch, {"slow_statements": {}}, database="postgres")
    assert absent.state is State.UNKNOWN
    assert absent.sentence.startswith("pg_stat_statements is not there: it needs shared_preload_libraries")


async def test_rates(shop: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    options = {"cache_hit_ratio": {"blocks": 10, "fail": "< 1%"}, "deadlocks": {}, "temporary_files": {"warn": "> 1kB"}}
    first = await at(shop.primary, monkeypatch, options, earlier=Earlier({}, 60))
    assert first.state is State.UNKNOWN
    _spill_and_deadlock(shop.primary)
    before = Earlier(first.counters, 30.0)
    seen = first
    for _ in range(50):  # a session writes its statistics when it ends, or a second later
        seen = await at(shop.primary, monkeypatch, options, earlier=before)
        if seen.values["deadlocks_per_second"] and seen.values["temporary_bytes_per_second"]:
            break
        await asyncio.sleep(0.1)
    assert seen.state is State.WARN, seen.sentence
    assert "1 deadlock in the last 30 s (2 a minute), warn above 0" in seen.sentence
    assert "temporary file" in seen.sentence
    assert "blocks were in the cache in the last 30 s, fail below 1 %" in seen.sentence
    assert seen.values["temporary_bytes_per_second"] > 1000
    alone = await at(shop.primary, monkeypatch, {"deadlocks": {}})
    assert "no deadlock in the last " in alone.sentence  # two readings, a second apart


def _spill_and_deadlock(node: Node) -> None:
    with psycopg.connect(node.url("shop"), autocommit=True) as one, psycopg.connect(node.url("shop"), autocommit=True) as other:
        one.execute("SET work_mem = '64kB'")
        one.execute("SELECT count(*) FROM (SELECT * FROM generate_series(1, 50000) AS n ORDER BY n DESC OFFSET 1) AS sorted")
        for session, number in ((one, 9001), (other, 9002)):
            session.execute("SET deadlock_timeout = '50ms'")
            session.execute("BEGIN")
            session.execute(f"UPDATE orders SET paid = true WHERE id = {number}".encode())
        one.pgconn.send_query(b"UPDATE orders SET paid = true WHERE id = 9002")
        with contextlib.suppress(psycopg.errors.DeadlockDetected):  # the server chooses which of the two it ends
            other.execute("UPDATE orders SET paid = true WHERE id = 9001")
        other.execute("ROLLBACK")
        while one.pgconn.get_result() is not None:
            pass
        one.execute("ROLLBACK")


@pytest.mark.parametrize(
    ("options", "state", "words"),
    [
        (
            {"sql": "SELECT count(*) FROM orders WHERE paid", "value": {"warn": "> 10"}},
            State.WARN,
            "gives 6000 (count), warn above 10",
        ),
        ({"sql": "SELECT 0.5 AS share, 7 AS jobs", "value": {"warn": "> 1"}}, State.OK, "your statement gives 0.5 (share), warn above 1"),
        (
            {"sql": "SELECT id FROM orders WHERE note = 'none'", "rows": {"fail": "> 0"}},
            State.OK,
            "gives no row, fail above 0",
        ),
        ({"sql": "SELECT id FROM orders", "rows": {"fail": "> 0"}}, State.FAIL, "your statement gives 1000 rows or more, fail above 0"),
        ({"sql": "SELECT sum(id) FROM orders WHERE id < 0", "value": {}}, State.FAIL, "holds no number: NULL"),
        ({"sql": "SELECT note FROM orders LIMIT 1", "value": {}}, State.FAIL, 'holds no number: "xxx'),
        ({"sql": "SELECT 'NaN'::float8", "value": {}}, State.FAIL, "holds no number: "),
        ({"sql": "SELECT 1 FROM orders WHERE false", "value": {}}, State.FAIL, "gives no row, expected one that begins with a number"),
        ({"sql": "SELECT '%' AS a WHERE 'x' LIKE 'x%'"}, State.OK, "your statement gives 1 row"),
        ({"sql": "DELETE FROM orders"}, State.UNKNOWN, "your statement failed: it writes, and checks only read"),
        ({"sql": "SELECT 1; DROP TABLE orders"}, State.UNKNOWN, "cannot insert multiple commands into a prepared statement"),
        ({"sql": "SELECT 1 FROM missing"}, State.FAIL, 'relation "missing" does not exist'),
        ({"sql": "COPY orders TO STDOUT"}, State.FAIL, "it copies data instead of giving rows"),
    ],
)
async def test_statements_of_ones_own(
    shop: Pair, monkeypatch: pytest.MonkeyPatch, options: Mapping[str, Any], state: State, words: str
) -> None:
    seen = await at(shop.primary, monkeypatch, options)
    assert words in seen.sentence
    assert seen.state is state
    with psycopg.connect(shop.primary.url("shop")) as connection:
        assert connection.execute("SELECT count(*) FROM orders").fetchone() == (12000,)


async def test_numbers_of_other_columns_are_kept(shop: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = await at(shop.primary, monkeypatch, {"sql": 'SELECT 3 AS waiting, 1.25 AS "Oldest Hour", now() AS at, true AS up', "value": {}})
    assert {key: value for key, value in seen.values.items() if key.startswith("value") or key == "rows"} == {
        "value": 3,
        "value_oldest_hour": 1.25,
        "value_up": 1,
        "rows": 1,
    }


async def test_a_statement_that_takes_too_long(shop: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    started = time.monotonic()
    seen = await at(shop.primary, monkeypatch, {"sql": "SELECT pg_sleep(30)"}, timeout=0.5)
    assert time.monotonic() - started < 10
    assert seen.state is State.FAIL
    assert seen.sentence == f"127.0.0.1:{shop.primary.port}/shop took the question and had not answered after 0.5 s"
    with psycopg.connect(shop.primary.url("shop")) as connection:
        left = connection.execute("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'keepwell'").fetchone()
    assert left == (0,)


async def test_a_lock_that_another_session_holds(shop: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    with psycopg.connect(shop.primary.url("shop")) as session:
        session.execute("LOCK TABLE orders")
        seen = await at(shop.primary, monkeypatch, {"tables": {"orders": {}}, "connections": {}}, timeout=1)
        session.rollback()
    assert seen.state is State.FAIL, seen.sentence
    assert "the tables' sizes could not be asked: another session holds a lock" in seen.sentence
    assert "connections are in use" in seen.sentence


@pytest.mark.parametrize(
    ("user", "password", "database", "words"),
    [
        ("clerk", "hunter2000", "shop", "does not let this user in: the user or the password is wrong"),
        ("clerk", None, "shop", "asks for a password, and the connection string holds none"),
        ("postgres", None, "nowhere", "there is no database 127.0.0.1:"),
        ("stranger", None, "shop", "does not let this user in from here: "),
        ("clerk", "right", "shop", "accepts connections: PostgreSQL 15."),
    ],
)
async def test_who_is_let_in(
    shop: Pair, monkeypatch: pytest.MonkeyPatch, user: str, password: str | None, database: str, words: str
) -> None:
    login = user if password is None else f"{user}:{password}"
    seen = await at(shop.primary, monkeypatch, {}, user=login, database=database)
    assert words in seen.sentence
    assert "hunter2000" not in seen.sentence
    assert seen.state is (State.OK if "accepts" in words else State.FAIL)


@pytest.mark.parametrize(
    ("more", "state", "words"),
    [
        ("?sslmode=verify-full&sslrootcert={authority}", State.FAIL, "is not valid for that name"),
        ("?sslmode=verify-ca&sslrootcert={authority}", State.OK, "accepts connections"),
        ("?sslmode=verify-full&sslrootcert={authority}&host=localhost", State.OK, "localhost:"),
        ("?sslmode=verify-ca&sslrootcert=system", State.UNKNOWN, "could not look: the connection string cannot be used: "),
        ("?sslmode=verify-ca&sslrootcert=/nowhere.pem", State.UNKNOWN, "a file that the connection string names for TLS"),
        ("?sslmode=require", State.OK, "accepts connections"),
        ("?target_session_attrs=standby", State.FAIL, "is not what target_session_attrs of the connection string asks for"),
        ("?service=shop", State.UNKNOWN, "names a service, and service files are not read"),
        ("?surely=not", State.UNKNOWN, "the connection string cannot be read"),
    ],
)
async def test_settings_of_the_connection(shop: Pair, monkeypatch: pytest.MonkeyPatch, more: str, state: State, words: str) -> None:
    seen = await at(shop.primary, monkeypatch, {}, more=more.format(authority=shop.authority))
    assert words in seen.sentence, seen.sentence
    assert seen.state is state


async def test_an_authority_that_is_not_trusted(shop: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    other = shop.authority.with_name("other.pem")
    trustme.CA().cert_pem.write_to_path(other)
    seen = await at(shop.primary, monkeypatch, {}, more=f"?sslmode=verify-ca&sslrootcert={other}")
    assert seen.state is State.FAIL
    assert "is not accepted: it has expired, or its authority is not trusted here" in seen.sentence


async def test_the_next_address_is_tried(shop: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    several = f"postgresql://postgres@127.0.0.1:1,127.0.0.1:{shop.replica.port},127.0.0.1:{shop.primary.port}/shop"
    monkeypatch.setenv("SHOP_DATABASE", f"{several}?target_session_attrs=read-write")
    seen = await look("postgres", {"address": "secret:SHOP_DATABASE"})
    assert seen.state is State.OK, seen.sentence
    assert seen.sentence.startswith(f"127.0.0.1:{shop.primary.port}/shop accepts connections")


async def test_no_descriptor_stays_open(shop: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    await at(shop.primary, monkeypatch, {})
    before = len(os.listdir("/proc/self/fd"))
    for options in ({}, {"sql": "SELECT generate_series(1, 5000)"}, {"sql": "COPY orders TO STDOUT"}):
        await at(shop.primary, monkeypatch, options)
    assert len(os.listdir("/proc/self/fd")) == before


EVERYTHING: Mapping[str, Any] = {
    name: {}
    for name in (
        *("connect", "connections", "longest_query", "longest_transaction", "idle_in_transaction", "replication", "slots", "dead_tuples"),
        *("vacuum", "analyze", "size", "largest_table", "cache_hit_ratio", "unused_indexes", "slow_statements", "wraparound", "deadlocks"),
        "temporary_files",
    )
}


@pytest.mark.parametrize("user", ["postgres", "clerk"])
@pytest.mark.parametrize("node", ["primary", "replica"])
async def test_everything_can_be_asked_of_either_by_anyone(shop: Pair, monkeypatch: pytest.MonkeyPatch, node: str, user: str) -> None:
    monkeypatch.setenv("PGPASSWORD", "right")
    server: Node = getattr(shop, node)
    seen = await at(server, monkeypatch, {**EVERYTHING, "tables": {"orders": {}}}, user=user, earlier=Earlier({}, 60))
    assert "could not be asked" not in seen.sentence
    assert "not usable" not in seen.sentence
    assert seen.values["database_bytes"] > 0
    assert seen.values["table_orders_bytes"] > 0
    assert seen.values.keys() - {"table_orders_bytes"} <= DRIVER.values.keys()
    assert ("dead rows: a standby does not count them, ask its primary" in seen.sentence) is (node == "replica")


async def test_the_names_of_columns_before_version_13(shop: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.primary.run("CREATE DATABASE old")
    try:
        shop.primary.run("CREATE EXTENSION pg_stat_statements VERSION '1.7'", "old")
        for _ in range(3):
            shop.primary.run("SELECT pg_sleep(0.03)", "old")
        seen = await at(shop.primary, monkeypatch, {"slow_statements": {"warn": "> 20ms", "calls": 3}}, database="old")
    finally:
        shop.primary.run("DROP DATABASE old WITH (FORCE)")
    assert seen.state is State.WARN, seen.sentence
    assert 'on average of 3 calls: "SELECT pg_sleep($1)", warn above 20 ms' in seen.sentence


async def test_the_three_answers_of_pg_isready(shop: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    """Accepting, rejecting, no answer: what pg_isready tells by its status, our sentence tells in words."""
    node, settings = shop.replica, shop.replica.data / "postgresql.conf"
    written = settings.read_text()

    async def both() -> tuple[int, str]:
        command = [need("pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(node.port)]
        return await asyncio.to_thread(subprocess.call, command), (await at(node, monkeypatch, {})).sentence

    assert await both() == (0, Holding("accepts connections"))
    node.stop()
    assert await both() == (2, f"connection refused by 127.0.0.1:{node.port}")
    settings.write_text(written + "hot_standby = off\n")
    try:
        node.start(waits=False)
        status, sentence = await both()
        while status == 2:
            await asyncio.sleep(0.02)
            status, sentence = await both()
        assert (status, sentence) == (1, Holding("/shop answers and rejects connections: it is "))
    finally:
        node.stop()
        settings.write_text(written)
        node.start()


class Holding:
    """Equals every text with these words."""

    def __init__(self, words: str) -> None:
        self.words = words

    def __eq__(self, other: object) -> bool:
        return isinstance(other, str) and self.words in other

    __hash__ = None  # type: ignore[assignment]
