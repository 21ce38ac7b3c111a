"""Who asks, and whether they may: decisions only, nothing is read and nothing is sent.

The rules, from the first day and on loopback too:

1. A request over TCP must name a loopback host with the port that is listened on. This defeats DNS rebinding, by which a web
   page makes the browser believe that its own name stands for 127.0.0.1.
2. A write (any method but GET and HEAD) needs a caller who holds the route's permission; where a browser says where the
   request comes from (``Origin``, RFC 6454; ``Sec-Fetch-Site``, W3C Fetch Metadata), that must be this very server.
3. A read needs no permission until people and roles exist, but another site's page may only link to us, not load us. A POST that only
   asks is a read; a browser may send it from our own pages only.
4. Where a route's path is itself what only those know who may (a job's ping), asking for it gives its permission, and no other.
5. Over the Unix socket the kernel says who the peer is (SO_PEERCRED, unix(7)); the server's own user and root may write.
"""

import ipaddress
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from keepwell.kernel.problems import Problem, Refused, UsageError

EVERYTHING = "*"
"""The permission that holds every other."""

READS = frozenset({"GET", "HEAD"})
_LOOPBACK_NAMES = ("localhost", "127.0.0.1", "[::1]")


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: nobody known, the holder of a token, or the user at the other end of the Unix socket (``uid:NAME``)."""

    kind: Literal["anonymous", "token", "peer"]
    name: str
    permissions: frozenset[str] = frozenset()

    def holds(self, permission: str) -> bool:
        """Whether the caller was given this permission, or all of them."""
        return permission in self.permissions or EVERYTHING in self.permissions


ANONYMOUS = Caller("anonymous", "anonymous")


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request says of itself. A header that is absent is None; one that came twice is joined with a comma, and so fits nothing."""

    method: str
    host: str | None = None
    origin: str | None = None
    fetch_site: str | None = None
    fetch_mode: str | None = None
    unix_socket: bool = False
    only_asks: bool = False

    @property
    def writes(self) -> bool:
        """Whether the request may change something (RFC 9110, 9.2.1: of the safe methods only GET and HEAD are served)."""
        return self.method not in READS and not self.only_asks


def decide(caller: Caller, permission: str | None, asked: Asked, listening: Sequence[tuple[str, int]]) -> Refused | None:
    """Why the request is refused, or None. ``permission`` is the route's, or None before the route is known.

    ``listening`` are the TCP addresses of this server as (host, port), an IPv6 host without brackets.
    """
    if not asked.unix_socket and not _names_us(asked.host, listening):
        return _wrong_host(asked, listening)
    if asked.method in READS:
        return _refuse_embedding(asked)
    if asked.only_asks:
        return _refuse_browser(asked) if asked.unix_socket else _refuse_foreign(asked)
    if asked.unix_socket:
        return _refuse_browser(asked) or _refuse_caller(caller, permission)
    return _refuse_foreign(asked) or _refuse_caller(caller, permission)


def peer_caller(uid: int, name: str, owner: int) -> Caller:
    """The user at the other end of the Unix socket. ``owner`` is the uid that runs the server: it and root may do everything."""
    permissions = frozenset({EVERYTHING}) if uid in (owner, 0) else frozenset[str]()
    return Caller("peer", f"uid:{name}", permissions)


def check_listen_address(text: str) -> tuple[str, int]:
    """Reads ``HOST:PORT`` (an IPv6 address in brackets) and gives host, without brackets, and port; 0 lets the system choose one.

    Raises UsageError where it cannot be read and Refused where others than this machine could reach it.
    """
    host, separator, port = text.rpartition(":")
    if not separator or not port.isascii() or not port.isdigit() or int(port) > 65535:
        raise UsageError(f"{text!r} is no address to listen on", hint="write HOST:PORT, for example 127.0.0.1:8750 or [::1]:8750")
    if host == "localhost":
        return "127.0.0.1", int(port)
    bare = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    try:
        address = ipaddress.ip_address(bare)
    except ValueError:
        raise UsageError(f"{host!r} is neither localhost nor an IP address", hint="write for example 127.0.0.1:8750") from None
    if not address.is_loopback:
        raise _not_loopback(text)
    if address.version == 6 and bare == host:
        raise UsageError(f"{text!r} is no address to listen on", hint=f"an IPv6 address stands in brackets: [{host}]:{port}")
    return str(address), int(port)


def allowed_hosts(listening: Iterable[tuple[str, int]]) -> frozenset[str]:
    """The values of ``Host`` that name this server. The port is left out only where it is HTTP's own, 80 (RFC 9110, 4.2.3)."""
    names: set[str] = set()
    for host, port in listening:
        own = f"[{host}]" if ":" in host else host
        for name in (own, *_LOOPBACK_NAMES):
            names.add(f"{name}:{port}")
            if port == 80:
                names.add(name)
    return frozenset(names)


def _not_loopback(text: str) -> Refused:
    return Refused(
        f"{text} can be reached by other machines, and Keepwell knows no people and roles yet, so everybody there could read everything",
        hint="listen on 127.0.0.1:8750 and reach it through ssh: ssh -L 8750:127.0.0.1:8750 HOST",
    )


def _names_us(host: str | None, listening: Sequence[tuple[str, int]]) -> bool:
    return host is not None and host.lower() in allowed_hosts(listening)


def _wrong_host(asked: Asked, listening: Sequence[tuple[str, int]]) -> Refused:
    said = "names no host" if asked.host is None else f"is for the host {asked.host!r}, which is not this server"
    ours = f"http://localhost:{listening[0][1]}/" if listening else "the Unix socket"
    return _refused("host", f"The request {said}", f"ask for {ours} (a forwarded port must keep its number)")


def _refuse_embedding(asked: Asked) -> Refused | None:
    if asked.fetch_site not in ("cross-site", "same-site") or asked.fetch_mode == "navigate":
        return None
    return _refused("cross-site", "A page of another site tried to load this", "open it in a window of its own")


def _refuse_foreign(asked: Asked) -> Refused | None:
    if asked.fetch_site is not None and asked.fetch_site != "same-origin":
        return _refused(
            "cross-site", f"A write came from elsewhere (Sec-Fetch-Site: {asked.fetch_site})", "write from Keepwell's own pages"
        )
    if asked.origin is not None and asked.origin.lower() != f"http://{asked.host}".lower():
        return _refused(
            "origin", f"A write came from the origin {asked.origin!r}, which is not this server", "write from Keepwell's own pages"
        )
    return None


def _refuse_browser(asked: Asked) -> Refused | None:
    if asked.origin is None and asked.fetch_site is None:
        return None
    return _refused("origin", "A browser's write came through the Unix socket", "do not forward browsers to it; use the TCP address")


def _refuse_caller(caller: Caller, permission: str | None) -> Refused | None:
    if caller.kind == "anonymous" and not caller.permissions:
        return _refused(
            "no-token", "A write needs a token", "send 'Authorization: Bearer TOKEN'; make one with: keepwell token create NAME"
        )
    if not caller.permissions:
        return _refused("permission", f"{caller.name} may not write here", "only the user that runs Keepwell and root may")
    if permission is not None and not caller.holds(permission):
        hint = f"make a token that holds it: keepwell token create NAME --permission {permission}"
        return _refused("permission", f"{caller.name} does not hold the permission {permission!r}", hint)
    return None


def _refused(word: str, message: str, hint: str) -> Refused:
    return Refused(Problem(f"refused.{word}", message, hint))
