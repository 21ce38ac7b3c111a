"""The ``redis`` kind against real servers: one with a password and a maximum of memory, and its replica."""

import contextlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme

from keepwell.kernel.states import State
from keepwell.rooms.checks.model import Earlier, Observation
from tests.redis_server import RedisServer, redis_server
from tests.services.look import look
from tests.support import free_port, wait_until

PASSWORD = "hunter2-and-more"


@pytest.fixture(scope="module")
def cache() -> Iterator[RedisServer]:
    """A primary of 8 MB that evicts nothing."""
    with redis_server("--maxmemory", "8mb", "--maxclients", "50", password=PASSWORD) as server:
        yield server


@pytest.fixture
def empty(cache: RedisServer) -> RedisServer:
    cache.run("FLUSHALL")
    return cache


@pytest.fixture(autouse=True)
def secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CACHE_PASSWORD", PASSWORD)
    monkeypatch.setenv("CACHE_WRONG", "not-the-password")


async def at(server: RedisServer, earlier: Earlier | None = None, **options: Any) -> Observation:
    given = {"password": "secret:CACHE_PASSWORD"} if server.password else {}
    seen = await look("redis", {"address": server.address, **given, **options}, earlier=earlier)
    assert PASSWORD not in seen.sentence
    return seen


def info(server: RedisServer, section: str) -> dict[str, Any]:
    """What INFO says of a section."""
    with contextlib.closing(server.client()) as client:
        return dict(client.info(section))


async def test_a_plain_check(empty: RedisServer) -> None:
    seen = await at(empty, ping={"fail": "> 1s"})
    assert seen.state is State.OK, seen.sentence
    assert seen.sentence.startswith(f"127.0.0.1:{empty.port} answers PING in ")
    assert ", Redis 7." in seen.sentence
    assert 0 < seen.values["ping_seconds"] < 1
    assert seen.values["memory_max_bytes"] == 8 * 2**20
    assert 100_000 < seen.values["memory_used_bytes"] < 8 * 2**20
    assert seen.values["clients"] >= 1


async def test_memory_nearly_full(empty: RedisServer) -> None:
    fine = await at(empty, memory={})
    assert fine.state is State.OK, fine.sentence
    for number in range(6):
        empty.run("SET", f"big:{number}", "x" * 1_000_000)
    seen = await at(empty, memory={}, memory_bytes={"fail": "> 5MB"})
    assert seen.state is State.FAIL, seen.sentence
    assert " of 8 MiB (maxmemory) are in use (" in seen.sentence
    assert " of memory are in use, fail above 5 MB" in seen.sentence


async def test_clients(empty: RedisServer) -> None:
    seen = await at(empty, clients={"warn": "> 1%"}, blocked={"warn": "> 5"})
    assert seen.state is State.WARN, seen.sentence
    assert " of 50 clients are connected (" in seen.sentence
    assert "no client blocked, warn above 5" in seen.sentence


async def test_rates(empty: RedisServer) -> None:
    with redis_server("--maxmemory", "3mb", "--maxmemory-policy", "allkeys-lru") as small:
        first = await at(small, evictions={}, hits={"lookups": 10}, rejected={})
        assert first.state is State.OK, first.sentence  # it looks twice, a second apart, while nothing happens
        for number in range(60):
            small.run("SET", f"k{number}", "x" * 50_000)
            small.run("GET", f"never-{number}")
        seen = await at(small, Earlier(first.counters, 10.0), evictions={"fail": "> 1"}, hits={"lookups": 10}, rejected={})
    assert seen.state is State.FAIL, seen.sentence
    assert " evicted in the last 10 s (" in seen.sentence
    assert "0 % of 60 lookups in the last 10 s found their key, fail below 50 %" in seen.sentence
    assert seen.values["evicted_keys_per_second"] > 1


async def test_keys_that_never_expire(empty: RedisServer) -> None:
    with contextlib.closing(empty.client()) as client, client.pipeline() as pipeline:
        for number in range(3000):
            pipeline.set(f"session:{number}", "x" * 10, ex=600)
            pipeline.set(f"other:{number}", "y")
        pipeline.execute()
    good = await at(empty, keys={"pattern": "session:*", "count": {"warn": "> 5000"}})
    assert good.state is State.OK, good.sentence
    assert 'all 3000 keys that match "session:*" expire' in good.sentence
    empty.run("SET", "session:lost", "z" * 100_000)
    with contextlib.closing(empty.client()) as client:
        client.set(b"session:\xff\xfe", "no UTF-8")
    seen = await at(empty, keys={"pattern": "session:*", "largest": {"warn": "> 50kB"}})
    assert seen.state is State.WARN, seen.sentence
    assert '2 of 3002 keys that match "session:*" never expire, such as ' in seen.sentence
    assert "the largest of them takes " in seen.sentence
    assert '("session:lost"), warn above 50 kB' in seen.sentence
    assert seen.values["keys_without_expiry"] == 2
    part = await at(empty, keys={"pattern": "session:*", "most": 100, "without_expiry": {"fail": "> 5000"}})
    assert "100 keys that match" in part.sentence
    assert "(only a part of the keys was seen)" in part.sentence
    none = await at(empty, keys={"pattern": "nothing:*"})
    assert 'no key matches "nothing:*"' in none.sentence


async def test_another_database(empty: RedisServer) -> None:
    seen = await look("redis", {"address": f"redis://127.0.0.1:{empty.port}/99", "password": "secret:CACHE_PASSWORD"})
    assert seen.state is State.FAIL
    assert "has no database of that number" in seen.sentence


async def test_an_address_that_is_a_secret(empty: RedisServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CACHE", f"redis://:{PASSWORD}@127.0.0.1:{empty.port}/0")
    seen = await look("redis", {"address": "secret:CACHE"})
    assert seen.state is State.OK, seen.sentence
    monkeypatch.setenv("CACHE", f"redis://:{PASSWORD}@:x")
    broken = await look("redis", {"address": "secret:CACHE"})
    assert broken.state is State.UNKNOWN
    assert "the address of a Redis server cannot be read" in broken.sentence
    assert PASSWORD not in broken.sentence


async def test_replication(empty: RedisServer) -> None:
    options = ("--replicaof", "127.0.0.1", str(empty.port), "--masterauth", PASSWORD)
    with redis_server(*options, password=PASSWORD) as replica:
        wait_until(lambda: "online" in str(info(empty, "replication").get("slave0", "")), what="the replica")
        above = await at(empty, replication={"role": "primary", "replicas": ">= 1"})
        assert above.state is State.OK, above.sentence
        assert "1 replica connected, expected >= 1; the replica 127.0.0.1:" in above.sentence
        below = await at(replica, replication={"role": "replica"})
        assert below.state is State.OK, below.sentence
        assert f"this replica heard from its primary 127.0.0.1:{empty.port} " in below.sentence
        assert below.values["replication_link_up"] == 1
        wrong = await at(replica, replication={"role": "primary"})
        assert wrong.sentence.startswith("it is a replica, expected a primary")
        replica.run("REPLICAOF", "127.0.0.1", str(free_port()))
        wait_until(lambda: info(replica, "replication")["master_link_status"] == "down")
        lost = await at(replica, replication={})
        assert lost.state is State.FAIL
        assert "has been down" in lost.sentence
        replica.run("CONFIG", "SET", "replica-serve-stale-data", "no")
        stale = await at(replica)
        assert stale.state is State.FAIL
        assert "has lost its primary and is configured not to serve old data (" in stale.sentence
    missing = await at(empty, replication={"replicas": ">= 1"})
    assert missing.state is State.FAIL


async def test_persistence() -> None:
    with redis_server("--save", "3600", "1") as saving:
        saving.run("SET", "a", "1")
        good = await at(saving, persistence={})
        assert good.state is State.OK, good.sentence
        assert "1 change since the last save (RDB) " in good.sentence
        saving.run("CONFIG", "SET", "appendonly", "yes")
        wait_until(lambda: info(saving, "persistence")["aof_rewrite_in_progress"] == 0)
        assert "the last write to the append-only file succeeded" in (await at(saving, persistence={})).sentence


async def test_a_save_that_fails() -> None:
    with redis_server("--save", "3600", "1", "--rdbcompression", "no") as saving:
        folder = str(saving.run("CONFIG", "GET", "dir"))
        (Path(folder.split("'")[-2]) / "dump.rdb").mkdir()  # a directory where the file belongs
        saving.run("SET", "a", "1")
        saving.run("BGSAVE")
        wait_until(lambda: info(saving, "persistence")["rdb_last_bgsave_status"] == "err")
        seen = await at(saving, persistence={})
    assert seen.state is State.FAIL
    assert "cannot save to disk and refuses writes" in seen.sentence


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({}, "wants a password, and none is given ("),
        ({"password": "secret:CACHE_WRONG"}, "refuses this user name and password ("),
        ({"password": "secret:CACHE_PASSWORD", "user": "nobody"}, "refuses this user name and password ("),
    ],
)
async def test_not_let_in(cache: RedisServer, options: dict[str, str], said: str) -> None:
    seen = await look("redis", {"address": cache.address, **options})
    assert seen.state is State.FAIL
    assert said in seen.sentence
    assert "not-the-password" not in seen.sentence


async def test_a_password_that_nobody_wants() -> None:
    with redis_server() as open_to_all:
        seen = await look("redis", {"address": open_to_all.address, "password": "secret:CACHE_PASSWORD"})
        assert seen.state is State.FAIL
        assert "has no password, and one is given (" in seen.sentence
        assert PASSWORD not in seen.sentence


async def test_a_user_with_few_rights(empty: RedisServer) -> None:
    empty.run("ACL", "SETUSER", "reader", "on", f">{PASSWORD}", "+ping", "+info")
    seen = await at(empty, user="reader", clients={}, keys={"pattern": "*"})
    assert seen.state is State.UNKNOWN, seen.sentence
    assert "the keys cannot be walked through: " in seen.sentence
    assert " of 50 clients are connected (" in seen.sentence  # INFO tells maxclients too
    empty.run("ACL", "SETUSER", "reader", "-info")
    blind = await at(empty, user="reader")
    assert blind.state is State.FAIL
    assert "answers PING and not INFO: " in blind.sentence


async def test_no_connection_left() -> None:
    with redis_server("--maxclients", "1") as tiny, contextlib.closing(tiny.client()) as client:
        client.ping()
        seen = await at(tiny)
    assert seen.state is State.FAIL
    assert "has no connection left for us (maxclients is reached) (" in seen.sentence


async def test_loading(tmp_path: Path) -> None:
    with redis_server("--enable-debug-command", "yes", "--dir", str(tmp_path)) as filled:
        filled.run("DEBUG", "POPULATE", "2000", "key", "10")
        filled.run("SAVE")
    slowly = ("--dir", str(tmp_path), "--key-load-delay", "1000", "--loading-process-events-interval-bytes", "1024")
    with redis_server(*slowly, wait=False) as server:
        seen = await at(server)
        while "connection refused" in seen.sentence:
            seen = await at(server)
    assert seen.state is State.FAIL
    assert "is still loading its data from disk (" in seen.sentence


async def test_stopped(cache: RedisServer) -> None:
    os.kill(cache.process.pid, signal.SIGSTOP)
    try:
        seen = await look("redis", {"address": cache.address}, timeout=1)
    finally:
        os.kill(cache.process.pid, signal.SIGCONT)
    assert seen.state is State.FAIL
    assert seen.sentence == f"127.0.0.1:{cache.port} took the connection and had not answered after 1 s"


async def test_a_unix_socket(tmp_path: Path) -> None:
    path = tmp_path / "redis.sock"
    with redis_server("--unixsocket", str(path)):
        seen = await look("redis", {"address": f"unix://{path}"})
    assert seen.state is State.OK, seen.sentence
    assert seen.sentence.startswith(f"{path} answers PING in ")
    path.unlink(missing_ok=True)
    gone = await look("redis", {"address": f"unix://{path}"})
    assert gone.state is State.FAIL
    assert "there is no socket" in gone.sentence


async def test_tls(tmp_path: Path) -> None:
    authority, port = trustme.CA(), free_port()
    leaf, pem = authority.issue_cert("localhost"), tmp_path / "authority.pem"
    authority.cert_pem.write_to_path(str(pem))
    leaf.private_key_pem.write_to_path(str(tmp_path / "key.pem"))
    leaf.cert_chain_pems[0].write_to_path(str(tmp_path / "cert.pem"))
    options = ["--tls-port", str(port), "--tls-cert-file", f"{tmp_path}/cert.pem", "--tls-key-file", f"{tmp_path}/key.pem"]
    with redis_server(*options, "--tls-ca-cert-file", str(pem), "--tls-auth-clients", "no") as server:
        good = await look("redis", {"address": f"rediss://localhost:{port}", "authority": str(pem)})
        assert good.state is State.OK, good.sentence
        untrusted = await look("redis", {"address": f"rediss://localhost:{port}"})
        assert untrusted.state is State.FAIL
        assert "an authority that is not trusted here" in untrusted.sentence
        other = await look("redis", {"address": f"rediss://127.0.0.1:{port}", "authority": str(pem)})
        assert "the certificate is for localhost, not 127.0.0.1" in other.sentence
        unverified = await look("redis", {"address": f"rediss://127.0.0.1:{port}", "verify": False})
        assert unverified.state is State.OK, unverified.sentence
        plain = await look("redis", {"address": f"rediss://localhost:{server.port}", "authority": str(pem)}, timeout=2)
        assert plain.state is State.FAIL
        without = await look("redis", {"address": f"redis://127.0.0.1:{port}"}, timeout=2)
        assert without.state is State.FAIL
        assert "closed the connection" in without.sentence or "reset the connection" in without.sentence
