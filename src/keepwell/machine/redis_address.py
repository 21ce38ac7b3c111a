"""Where a Redis server is: ``redis://``, ``rediss://`` and ``unix://`` (https://www.iana.org/assignments/uri-schemes/prov/redis)."""

from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from keepwell.kernel.problems import AskError

_UNREADABLE = "the address of a Redis server cannot be read: write redis://HOST:PORT/DATABASE, rediss://HOST:PORT or unix:///PATH"
_PORT = 6379


@dataclass(frozen=True, slots=True)
class RedisAddress:
    """Host and port, or ``path`` of a Unix socket; who to be, and the number of the database."""

    host: str
    port: int
    path: str
    tls: bool
    user: str
    password: str
    database: int

    @property
    def peer(self) -> str:
        """How sentences name it."""
        return self.path or (f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}")


def parse_address(text: str) -> RedisAddress:
    """The parts of an address. Raises AskError, which never repeats the text: it may hold a password."""
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise AskError(_UNREADABLE) from None
    is_socket = parts.scheme == "unix"
    if parts.scheme not in ("redis", "rediss", "unix") or is_socket == bool(parts.hostname) or port == 0:
        raise AskError(_UNREADABLE)
    number = (parts.query.removeprefix("db=") if is_socket else parts.path.strip("/")) or "0"
    if not number.isascii() or not number.isdigit() or len(number) > 5 or (is_socket and not parts.path.startswith("/")):
        raise AskError(_UNREADABLE)
    return RedisAddress(
        host=parts.hostname or "",
        port=port or _PORT,
        path=unquote(parts.path) if is_socket else "",
        tls=parts.scheme == "rediss",
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        database=int(number),
    )
