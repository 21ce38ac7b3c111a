"""What language a fence is in: what it declares, corrected by what it plainly is. Pure."""

import re
from collections.abc import Sequence

_NAMES = {
    "bash": "shell", "sh": "shell", "shell": "shell", "zsh": "shell", "ksh": "shell", "dash": "shell", "shellscript": "shell",
    "console": "console", "shell-session": "console", "sh-session": "console", "bash-session": "console", "terminal": "console",
    "cron": "crontab", "crontab": "crontab", "yaml": "yaml", "yml": "yaml", "json": "json", "jsonc": "json", "json5": "json",
    "sql": "sql", "postgresql": "sql", "psql": "sql", "plpgsql": "sql", "mysql": "sql", "ini": "ini", "cfg": "ini", "conf": "ini",
    "properties": "ini", "env": "ini", "dotenv": "ini", "toml": "toml", "systemd": "systemd", "service": "systemd", "unit": "systemd",
    "logrotate": "logrotate", "nginx": "nginx", "dockerfile": "dockerfile", "docker": "dockerfile", "promql": "promql",
    "python": "python", "py": "python", "python3": "python", "powershell": "powershell", "ps1": "powershell", "pwsh": "powershell",
    "text": "text", "txt": "text", "plain": "text", "plaintext": "text", "output": "text", "log": "text", "none": "text",
}  # fmt: skip
_FILES = (
    (re.compile(r"(^|/)logrotate\.(d/|conf)"), "logrotate"),
    (re.compile(r"\.(service|timer|socket|mount|target)$|/systemd/system/"), "systemd"),
    (re.compile(r"\.ya?ml$"), "yaml"),
    (re.compile(r"\.json$"), "json"),
    (re.compile(r"\.sql$"), "sql"),
    (re.compile(r"\.toml$"), "toml"),
    (re.compile(r"/nginx/|nginx[\w.-]*\.conf$"), "nginx"),
    (re.compile(r"\.(ini|cnf|cfg|env|properties)$|/(postgresql|redis|pgbouncer|my|sysctl)[\w-]*\.conf$|/sysctl\.d/"), "ini"),
    (re.compile(r"(^|/)Dockerfile[\w.-]*$"), "dockerfile"),
    (re.compile(r"(^|/)(crontab|cron\.d/[\w-]+)$"), "crontab"),
    (re.compile(r"\.py$"), "python"),
    (re.compile(r"\.ps1$"), "powershell"),
)
_LOGROTATE = re.compile(r"^\s*(daily|weekly|monthly|hourly|size\s|maxsize\s|rotate\s+\d)", re.MULTILINE)
_UNIT = re.compile(r"\[(Unit|Service|Timer|Install|Socket)\]")
_NESTED = re.compile(r"[\w-]+:\n +[\w-]+:( |\n|$)")
_PROMQL = re.compile(
    r"\s*(topk|bottomk|sum|avg|max|min|count|rate|irate|increase|histogram_quantile|max_over_time|avg_over_time|predict_linear|absent)\s*"
    r"((by|without)\s*\([^)]*\)\s*)?\("
)
_SQL = re.compile(
    r"\s*(?:--[^\n]*\s+)*(SELECT\s|INSERT\s+INTO|UPDATE\s+\w+\s+SET|DELETE\s+FROM|CREATE\s+(UNIQUE\s+)?(TABLE|INDEX|ROLE|USER|DATABASE|VIEW)|ALTER\s+"
    r"(TABLE|SYSTEM|ROLE|USER|DATABASE)|DROP\s|VACUUM\b|REINDEX\b|GRANT\s|WITH\s+\w+\s+AS)",
    re.IGNORECASE,
)
_COMMANDS = frozenset(
    [
        "apt",
        "apt-get",
        "aws",
        "awk",
        "bash",
        "brew",
        "cat",
        "cd",
        "certbot",
        "chmod",
        "chown",
        "cp",
        "crontab",
        "curl",
        "date",
        "df",
        "dig",
        "docker",
        "docker-compose",
        "du",
        "echo",
        "env",
        "export",
        "find",
        "free",
        "git",
        "grep",
        "gunzip",
        "gzip",
        "helm",
        "if",
        "for",
        "htop",
        "ip",
        "iptables",
        "journalctl",
        "jq",
        "kill",
        "kubectl",
        "oc",
        "ls",
        "make",
        "mkdir",
        "mongodump",
        "mv",
        "mysql",
        "mysqldump",
        "netstat",
        "nginx",
        "npm",
        "openssl",
        "pg_dump",
        "pg_isready",
        "pg_restore",
        "pgrep",
        "ping",
        "pip",
        "pkill",
        "psql",
        "ps",
        "python",
        "python3",
        "redis-cli",
        "rm",
        "rsync",
        "scp",
        "sed",
        "service",
        "set",
        "ss",
        "ssh",
        "sudo",
        "systemctl",
        "tail",
        "tar",
        "tee",
        "top",
        "touch",
        "ufw",
        "uname",
        "uptime",
        "vmstat",
        "wget",
        "yum",
    ]
)
_PROMPTED = re.compile(r"^\s*(?:[\w.-]+@[\w.-]+\S*\s*)?[$#]\s+(?P<program>[\w./-]+)")


def canonical(declared: str) -> str:
    """The language that an info word names; the word itself where it is not known, empty where there is none."""
    word = re.split(r"[{:,;=]", declared.strip().lower())[0].strip("{}.")
    return _NAMES.get(word, word)


def detect(named: str, declared: str, lines: Sequence[str], file: str) -> str:
    """The language to read a fence as."""
    if named in ("", "text", "shell", "ini", "console"):
        by_file = next((language for pattern, language in _FILES if file and pattern.search(file)), "")
        by_content = by_file or _plainly(lines)
        if by_content:
            return by_content
    if named == "shell":
        return "console" if _is_console(lines, strict=True) else "shell"
    if named:
        return named
    return _guess(lines)


def _plainly(lines: Sequence[str]) -> str:
    """What a fence is whatever it says."""
    text = "\n".join(lines[:60])
    if lines and lines[0].startswith("#!"):
        return "python" if "python" in lines[0] else "shell" if re.search(r"\b(ba|da|z|k)?sh\b", lines[0]) else ""
    first = next((line.strip() for line in lines if line.strip() and not line.lstrip().startswith(("#", ";"))), "")
    if _UNIT.fullmatch(first):
        return "systemd"
    if first.startswith(("/", '"/')) and _LOGROTATE.search(text) and re.search(r"^[^\n]*\{\s*$", text, re.MULTILINE):
        return "logrotate"
    if re.match(r"(apiVersion|kind): \S+$", first) or _NESTED.match(text):
        return "yaml"
    if re.match(r"[IWEF]\d{4} \d\d:\d\d:\d\d", first):
        return "text"  # a log of Kubernetes
    if _PROMQL.match(re.sub(r"^\s*(//|#).*\n", "", text, flags=re.MULTILINE)):
        return "promql"
    if re.match(r"\s*(#[^\n]*\n\s*)*FROM\s+[\w./:${}-]+", text) and re.search(
        r"^(RUN|CMD|ENTRYPOINT|COPY|WORKDIR|EXPOSE)\s", text, re.MULTILINE
    ):
        return "dockerfile"
    return ""


def starts_with_a_command(lines: Sequence[str]) -> bool:
    """Whether the first line that is no comment begins with a program that is known, a path, or an assignment."""
    first = next((line.strip() for line in lines if line.strip() and not line.lstrip().startswith("#")), "")
    match = re.match(r"(?:sudo\s+)?(?:(?P<program>[\w.-]+)(?:\s|$)|(?:\.{0,2}/|[A-Za-z_]\w*=|export\s))", first)
    return bool(match) and (match["program"] is None or match["program"] in _COMMANDS)  # type: ignore[index]


def _is_console(lines: Sequence[str], strict: bool) -> bool:
    """Whether there are prompts: ``$ `` before a command, or ``# `` before a known one where other lines are plainly output."""
    prompts = [match for line in lines if (match := _PROMPTED.match(line))]
    dollars = [line for line in lines if re.match(r"^\s*(?:[\w.-]+@[\w.-]+\S*\s*)?\$\s+\S", line)]
    if dollars:
        return True
    return not strict and bool(prompts) and all(match["program"] in _COMMANDS for match in prompts)


def _guess(lines: Sequence[str]) -> str:
    """The language of a fence that declares none."""
    from .crontab import is_cron_line

    text = "\n".join(lines).strip()
    filled = [line.strip() for line in lines if line.strip()]
    if not filled:
        return "text"
    if _is_console(lines, strict=False):
        return "console"
    code = [line for line in filled if not line.startswith("#")]
    if code and all(is_cron_line(line) or re.match(r"[A-Z_]+=", line) for line in code) and any(is_cron_line(line) for line in code):
        return "crontab"
    if _SQL.match(text):
        return "sql"
    if text[0] in "{[" and text[-1] in "}]" and re.search(r"\"[^\"]*\"\s*:", text):
        return "json"
    first = re.match(r"(?:sudo\s+)?([\w.-]+)(?:\s|$)", code[0]) if code else None
    if first and first[1] in _COMMANDS:
        return "shell"
    if re.match(r"\[[\w.\s-]+\]$", filled[0]) and any("=" in line for line in filled[1:]):
        return "ini"
    if code and re.match(r"(apiVersion|kind|version|services|groups|global):", code[0]):
        return "yaml"
    return "text"
