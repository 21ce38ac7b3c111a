"""Real Redis servers for tests: started on a free port, stopped by process id, nothing left."""

import contextlib
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass

import redis

from tests.support import free_port, need, wait_until

QUIET = ("--save", "", "--repl-diskless-sync-delay", "0", "--bind", "127.0.0.1", "--loglevel", "warning")


@dataclass(frozen=True, slots=True)
class RedisServer:
    """A running server."""

    port: int
    process: subprocess.Popen[bytes]
    password: str

    @property
    def address(self) -> str:
        """Its address, without the password."""
        return f"redis://127.0.0.1:{self.port}/0"

    def client(self) -> redis.Redis:
        """A client that is let in; close it."""
        return redis.Redis(port=self.port, password=self.password or None, decode_responses=True)

    def run(self, *words: str) -> object:
        """The answer to one command."""
        with contextlib.closing(self.client()) as client:
            return client.execute_command(*words)


@contextlib.contextmanager
def redis_server(*options: str, password: str = "", wait: bool = True) -> Iterator[RedisServer]:
    """A server with these options (as on its command line)."""
    program, port = need("redis-server"), free_port()
    with tempfile.TemporaryDirectory(prefix="redis-") as folder:
        words = [*QUIET, "--port", str(port), "--dir", folder, *(["--requirepass", password] if password else []), *options]
        process = subprocess.Popen([program, *words], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, cwd=folder)
        server = RedisServer(port, process, password)
        try:
            if wait:
                wait_until(lambda: _answers(server), 10, "an answer of redis-server")
            yield server
        finally:
            process.kill()
            process.wait()


def _answers(server: RedisServer) -> bool:
    assert server.process.poll() is None, "redis-server ended at once"
    try:
        return bool(server.run("PING"))
    except redis.exceptions.RedisError:
        return False
