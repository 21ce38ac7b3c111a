"""What a ``curl`` or ``wget`` command asks for (curl(1), wget(1)): method, address, headers, body, and what becomes of the answer. Pure."""

import re
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from keepwell.rooms.manual.reading.shell_model import ShellCommand, Word

from .filled_words import options

_SENDS = ("-d", "--data", "--data-binary", "--data-raw", "--data-ascii", "--data-urlencode", "--json", "-F", "--form", "--form-string")
_SENDS_WGET = ("--post-data", "--post-file", "--body-data", "--body-file")
_CURL = options("""
    -s --silent -S --show-error -f --fail --fail-with-body -v --verbose -i --include -I --head -L --location -k --insecure -o --output
    -O --remote-name -w --write-out -X --request -H --header -m --max-time --connect-timeout --retry --retry-delay --retry-max-time
    --retry-connrefused --retry-all-errors -u --user -b --cookie -A --user-agent -e --referer -G --get --url --cacert --compressed
    -4 -6 --ipv4 --ipv6 --http1.1 --http2 -N --no-buffer --no-progress-meter -# --progress-bar --max-redirs -T --upload-file
    --oauth2-bearer --globoff -g --tlsv1.2 --tlsv1.3""") | frozenset(_SENDS)
_WGET = options("""
    -q --quiet -O --output-document --spider -S --server-response -t --tries -T --timeout --header --user --password --http-user
    --http-password --no-check-certificate --ca-certificate -nv --no-verbose -U --user-agent --method -c --continue
    -P --directory-prefix -n -v""") | frozenset(_SENDS_WGET)
_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,252}[A-Za-z0-9])?|\[[0-9A-Fa-f:.]{2,45}\]")
_NO_SCHEME = re.compile(r"[A-Za-z0-9.-]+(?::\d+)?(?:[/?].*)?", re.DOTALL)
_SAFE_PATH = "/%:@!&'()*+,;=~-._"
_SAFE_QUERY = "/%:@!'()*,;=~-._?&+"  # RFC 3986, section 3.4, without what a shell or curl's globbing would expand


@dataclass(frozen=True, slots=True)
class HttpCall:
    """A request as a command line writes it. ``understood``: no option of it is unknown to import."""

    method: str
    addresses: tuple[Word, ...]
    headers: tuple[Word, ...] = ()
    body: tuple[Word, ...] = ()
    query: tuple[Word, ...] = ()
    """What ``-G`` puts into the address."""
    user: Word | None = None
    cookie: Word | None = None
    bearer: Word | None = None
    authority: Word | None = None
    saved_as: str = ""
    """The file that the answer is kept in; ``/dev/null`` where it is thrown away."""
    write_out: str = ""
    understood: bool = True

    @property
    def reads(self) -> bool:
        """Whether it asks with a method that changes nothing (RFC 9110, section 9.2.1)."""
        return self.method in ("GET", "HEAD", "OPTIONS")

    @property
    def times(self) -> bool:
        """Whether it prints how long the request took."""
        return "time_" in self.write_out or self.write_out.startswith("@")


def read_call(command: ShellCommand) -> HttpCall:
    """What a curl or wget command asks for."""
    return _wget(command) if command.name == "wget" else _curl(command)


def _curl(command: ShellCommand) -> HttpCall:
    sent = command.options(*_SENDS)
    in_query = command.has_flag("-G", "--get")
    uploads = command.has_flag("-T", "--upload-file")
    written = command.option("-X", "--request")
    method = "HEAD" if command.has_flag("-I", "--head") else "PUT" if uploads else "POST" if sent and not in_query else "GET"
    if written is not None:
        method = written.filled.upper()
    saved = command.option("-o", "--output")
    write_out = command.option("-w", "--write-out")
    return HttpCall(
        method,
        (*command.options("--url"), *command.operands),
        command.options("-H", "--header"),
        () if in_query else sent,
        sent if in_query else (),
        command.option("-u", "--user"),
        command.option("-b", "--cookie"),
        command.option("--oauth2-bearer"),
        command.option("--cacert"),
        saved.filled if saved else "(its own name)" if command.has_flag("-O", "--remote-name") else "",
        write_out.filled if write_out else "",
        all(flag in _CURL for flag in command.flags),
    )


def _wget(command: ShellCommand) -> HttpCall:
    sent = command.options(*_SENDS_WGET)
    method = command.option("--method")
    saved = command.option("-O", "--output-document")
    looks = command.has_flag("--spider")
    return HttpCall(
        method.filled.upper() if method else "HEAD" if looks else "POST" if sent else "GET",
        command.operands,
        command.options("--header"),
        sent,
        user=command.option("--user", "--http-user"),
        authority=command.option("--ca-certificate"),
        saved_as="" if looks or (saved and saved.filled == "-") else saved.filled if saved else "(its own name)",
        understood=all(flag in _WGET for flag in command.flags),
    )


@dataclass(frozen=True, slots=True)
class Place:
    """An address taken apart: ``base`` (scheme, host, port), ``path`` with the query, encoded; ``problem`` where it is none to ask."""

    base: str = ""
    path: str = ""
    problem: str = ""
    host: str = ""
    query: str = ""
    """The query as the manual writes it."""


def place_of(address: str) -> Place:
    """An http address. What a URL may not hold as it is (brackets and quotes of PromQL) is encoded."""
    full = address if "://" in address or not _NO_SCHEME.fullmatch(address) else f"http://{address}"
    if "[" in full.partition("://")[2].partition("/")[0].partition("?")[0].removeprefix("["):
        return Place(problem="its address is not a valid URL")
    try:
        parts = urlsplit(full)
        port = parts.port
    except ValueError:
        return Place(problem="its address is not a valid URL")
    if parts.username is not None or parts.password is not None:
        return Place(problem="its address holds credentials, which do not belong in keepwell.yaml")
    host = parts.netloc.rpartition(":")[0] if port is not None else parts.netloc.removesuffix(":")
    if parts.scheme not in {"http", "https"} or not _HOST.fullmatch(host):
        return Place(problem="its address is not a valid http or https URL")
    path = quote(parts.path or "/", safe=_SAFE_PATH) + (f"?{quote(parts.query, safe=_SAFE_QUERY)}" if parts.query else "")
    base = f"{parts.scheme}://{host.lower()}" + (f":{port}" if port is not None else "")
    return Place(base, path, host=host.lower(), query=parts.query)


def host_and_port(text: str, usual: int = 0) -> tuple[str, int]:
    """``host:port`` or ``[IPv6]:port``, taken apart; ``usual`` is the port where none is written. ``("", 0)`` for anything else."""
    host, separator, port = text.rpartition(":")
    if not separator or text.endswith("]"):
        host, port = text, str(usual)
    number = int(port) if port.isascii() and port.isdigit() and len(port) <= 5 else 0
    return (host.strip("[]"), number) if _HOST.fullmatch(host) and 0 < number < 65536 else ("", 0)
