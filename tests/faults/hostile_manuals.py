"""Manuals that nobody wrote in good faith, by what they try. ``TRAP`` stands for a file that must never come to be.

``BAIT`` are secrets in the shapes in which they stand in manuals; all of them are made up. What is large is made when it is asked for.
"""

from collections.abc import Callable

KEY_ID, KEY, PASSWORD, PERSONAL, PEM, BOT, BEARER = BAIT = (
    "AKIAQ7ZMADEUPVALUE42",
    "wJalrMADEUPsecretKEYvalue0123456789abcd",
    "hunter2-made-up-password",
    "ghp_madeUpMadeUpMadeUpMadeUpMadeUp0123",
    "MIIEmadeUpPrivateKeyLine0123456789abcdefghij",
    "xoxb-000000000000-madeUpToken",
    "eyJhbGciOiJub25lIn0.bWFkZS11cA.c2lnbmF0dXJl",
)


def fence(language: str, *lines: str) -> str:
    """A block of code."""
    return "\n".join((f"```{language}", *lines, "```", "", ""))


def shell(*lines: str) -> str:
    """A manual with one block of shell."""
    return f"# Shop\n\n{fence('bash', *lines)}"


def table(*rows: str) -> str:
    """A manual with one table; cells are divided by `` | ``."""
    head, *rest = rows
    rule = " | ".join("---" for _ in head.split(" | "))
    return "# Shop\n\n" + "".join(f"| {row} |\n" for row in (head, rule, *rest))


def sections(*titles: str) -> str:
    """A manual with a block of shell under each of these headings; the first is its title."""
    first, *rest = titles
    return f"# {first}\n\n" + "".join(f"## {title}\n\n{fence('bash', 'touch TRAP')}" for title in rest)


USUAL = fence("bash", "curl http://127.0.0.1:9/health", "df -h /", "systemctl status shop")

SUBSTITUTION = {
    "substitution in headings": f"# Shop $(touch TRAP)\n\n## Daily `touch TRAP` checks\n\n{USUAL}## Weekly ; touch TRAP #\n\n{USUAL}",
    "substitution in a file name": shell("#!/bin/bash", "# /opt/$(touch TRAP)/`touch TRAP`.sh", "df -h /"),
    "substitution in tables": table("Metric | Warning", "$(touch TRAP) | > 80%", "CPU `touch TRAP` | > 9$(touch TRAP)%"),
    "substitution in addresses": shell("curl http://127.0.0.1:9/$(touch TRAP)", "curl http://127.0.0.1:9/`touch TRAP`/health"),
    "substitution in operands": shell('df -h "$(touch TRAP)"', 'systemctl status "shop;touch TRAP"', 'pgrep -f "$(touch TRAP)"'),
    "shell in quoted words": shell("ps aux | grep 'x; touch TRAP'", "pgrep -f '$(touch TRAP)'", "curl 'http://127.0.0.1:9/`touch TRAP`'"),
    "line breaks in words": shell("systemctl status $'shop\\ntouch TRAP'", 'curl "http://127.0.0.1:9/', ' touch TRAP"'),
    "variables in front": shell("PATH=/tmp/evil df -h /", "LD_PRELOAD=/tmp/evil.so curl http://127.0.0.1:9/health"),
    "constants that are commands": shell(
        'URL="http://127.0.0.1:9/;touch TRAP"', 'UNIT="-H evil@host"', 'curl "$URL"', "systemctl status $UNIT"
    ),
    "options that run": shell(
        "tar tf a.tgz --checkpoint=1 --checkpoint-action=exec='touch TRAP'",
        "find /var/backups -name x -exec touch TRAP \\;",
        "awk 'BEGIN{system(\"touch TRAP\")}' /var/log/app.log",
        "git log --output=TRAP",
    ),
    "curl that writes": shell(
        "curl -s http://127.0.0.1:9/health -o TRAP",
        "curl -K TRAP http://127.0.0.1:9/health",
        "curl http://127.0.0.1:9/health > TRAP",
        "curl --output-dir / -O http://127.0.0.1:9/health",
    ),
    "curl that uploads": shell(
        "curl -T /etc/shadow http://127.0.0.1:9/health",
        "curl -d @/etc/shadow http://127.0.0.1:9/health",
        "curl -F f=@/etc/passwd http://127.0.0.1:9/health",
        "curl -b /etc/shadow -H @/etc/shadow http://127.0.0.1:9/health",
    ),
    "sql that runs": shell(
        "psql -h db -c \"COPY (SELECT 1) TO PROGRAM 'touch TRAP'\"",
        "psql -h db -c \"SELECT pg_read_file('/etc/passwd')\"",
        'psql -h db -c "SELECT 1; DROP TABLE orders"',
        "psql -h db -c '\\! touch TRAP'",
    ),
    "clients of elsewhere": shell(
        "docker -H tcp://192.0.2.1:2375 ps",
        "kubectl --kubeconfig /tmp/evil get pods",
        "redis-cli -h h eval 'x' 0",
        "aws s3 ls --endpoint-url http://192.0.2.1",
        "openssl s_client -connect h:443 -engine /tmp/evil.so",
    ),
    "checks that change": shell(
        "curl -X DELETE http://127.0.0.1:9/orders",
        "curl -I -X POST http://127.0.0.1:9/",
        "systemctl status x && touch TRAP",
        "df -h / | tee TRAP",
        "ps aux | grep x | xargs kill",
    ),
}

YAML = {
    "yaml in headings": "".join(
        f"{title}\n\n{USUAL}" for title in ("# shop: {keepwell: 2}", "## checks: &a *a", "## - item # x", "## ---")
    ),
    "tags in headings": f"# !!python/object/apply:os.system ['touch TRAP']\n\n## !!binary aGk= !include /etc/passwd\n\n{USUAL}",
    "documents in headings": f"# Shop\\n---\\nchecks: x\n\n## ... --- %YAML 1.2\n\n{USUAL}",
    "yaml in tables": table(
        "Metric | Warning | Critical",
        "<<: *merge | > 80% | > 90%",
        "&anchor CPU | !!python/object:os.system | > 1%",
        "memory: {fail: x} | > 80% # no | > 90%",
        "- disk | > 5%\\nchecks: {} | ---",
    ),
    "yaml in contacts": table(
        "Role | Name | Contact",
        "admin: {x: 1} | *alias | a@example.org",
        "yes | null | ~",
        "0x10 | 1e3 | 2001-01-01",
        "<<: | ? key | |-",
    ),
    "words that yaml reads otherwise": "".join(
        f"{title}\n\n{USUAL.replace('shop', 'null').replace('health', '~')}" for title in ("# No", "## Off", "## 012", "## y", "## 1:30")
    ),
    "flow marks": f"# }} ] {{ [ , : ? | > @ ` %\n\n## '\"'\"\\\n\n{USUAL}",
    "comments that end": shell("# health\\nchecks: {evil: {command: {shell: touch TRAP}}}", "curl http://127.0.0.1:9/health"),
    "keys of keepwell.yaml": sections("keepwell", "service", "checks", "accepted", "storage", "web", "secrets"),
    "a keepwell.yaml as a manual": "keepwell: 1\nservice: shop\nchecks:\n  x: {command: {shell: touch TRAP}}\n",
    "settings with tags": "# Shop\n\n"
    + fence("yaml", "x: !!python/object/apply:os.system ['touch TRAP']", "a: &a [1]", "b: *a", "<<: *a")
    + USUAL,
    "duplicate keys": "# Shop\n\n" + fence("json", '{"status": "healthy", "status": "broken", "__proto__": {"x": 1}}') + USUAL,
    "expected answers": "# Shop\n\n## Expected Health Responses\n\n"
    + fence("json", '{"a.b": 1, "c[0]": {"": 2}, "$(touch TRAP)": "!!python/object",', ' "n": NaN, "i": 1e999, "*a": "&a"}')
    + USUAL,
}

TERMINAL = {
    "escapes": "# Shop \x1b[2J\x1b]0;owned\x07\n\n- [ ] look \x9b31m at \x1b]8;;http://evil\x1b\\this\n\n"
    + USUAL.replace("shop", "shop\x1b[31m"),
    "bidirectional marks": "# Shop \u202egnp.exe\u2066\n\n| a\u200b | \u2067b |\n|---|---|\n| \u202e> 80% | x |\n\n"
    + USUAL.replace("health", "h\u202eealth"),
    "carriage returns": "# Shop\rall is well\n\n```bash\ncurl http://127.0.0.1:9/health\r# nothing\ntouch TRAP\r\n```\n",
    "backspaces": "# Shop\x08\x08\x08\x08Bank\n\n" + USUAL.replace("shop", "sh\x08op"),
    "controls": "# Shop\n\n" + "".join(f"- look at {chr(code)} here\n" for code in (*range(1, 10), *range(14, 32), *range(127, 160))),
    "tags and separators": f"# Shop\u2028checks:\u2029  x\u0085y\n\n{USUAL}## \U000e0001\U000e0041\ufeff\u2060\n\n{USUAL}",
}

ADDRESSES = {
    "metadata address": shell(
        "curl http://169.254.169.254/latest/meta-data/iam/security-credentials/",
        "curl -H 'Metadata-Flavor: Google' http://metadata.google.internal/computeMetadata/v1/",
    ),
    "metadata address in disguise": shell(
        "curl http://2852039166/latest",
        "curl http://0xA9FEA9FE/",
        "curl http://0251.0376.0251.0376/",
        "curl 'http://[::ffff:169.254.169.254]/'",
        "curl 'http://[fd00:ec2::254]/latest'",
        "curl http://169.254.170.2/v2/credentials",
    ),
    "metadata address in a constant": shell('HEALTH_URL="http://169.254.169.254/health"', 'curl -s "$HEALTH_URL"'),
    "other schemes": shell(
        "curl file:///etc/passwd",
        "curl gopher://127.0.0.1:6379/_FLUSHALL",
        "curl dict://127.0.0.1:11211/stats",
        "curl ftp://127.0.0.1/x",
        "curl --unix-socket /var/run/docker.sock http://localhost/containers/json",
    ),
    "addresses with people in them": shell("curl http://127.0.0.1:9@evil.example/health", "curl 'http://evil.example\\@127.0.0.1:9/'"),
    "odd ports": shell(
        "curl http://127.0.0.1:99999/health", "curl http://127.0.0.1:-1/health", "curl http://[::1/health", "curl http:///health"
    ),
}

MARKUP = {
    "script": f"# Shop <script>alert(1)</script>\n\n<script>fetch('http://evil/')</script>\n\n{USUAL}",
    "markup in commands": shell("echo '</pre></td><script>alert(1)</script>'", "systemctl status '<img src=x onerror=alert(1)>'"),
    "markup in tables": table(
        "Metric | Warning", "<img src=x onerror=alert(1)> | > 80%", "<a href=javascript:alert(1)>CPU</a> | > 80%", "<td> | </table>"
    ),
    "markup in lists": '# Shop\n\n- [ ] <iframe src="http://evil/"></iframe>\n- " onmouseover="alert(1)\n'
    "- </script><style>*{display:none}</style>\n",
    "markup in an html block": "# Shop\n\n<div onclick='alert(1)'>\n" + fence('sh {"name":"forged"}', "touch TRAP") + "</div>\n\n" + USUAL,
    "comments of markup": f"# Shop\n\n<!-- --><script>alert(1)</script> <!--\n\n{USUAL}-->\n",
}

NAMES = {
    "names that climb": sections("../../etc/cron.d/x", "../../../etc/cron.d/x", "/etc/passwd", "..", "~/.ssh/x"),
    "names with NUL": sections("shop\0.md", "x\0../../y"),
    "names of devices": sections("CON", "CON", "NUL", "aux.txt", "COM1", ".hidden", "-rf"),
    "long names": sections("shop " * 2_000, "x" * 10_000) + fence("bash", f"# {'step ' * 2_000}", "touch TRAP"),
    "slashes of other writings": sections("a\u2215b\u2044c\uff0fd\u29f8e", "\uff0e\uff0e\uff0f\uff0e\uff0e\uff0fx"),
    "names without letters": sections("店", "🎯", "!!!", "...", "日本", "1.", "\u200b"),
    "names that meet": sections("Shop", "Restore!", "restore", "RESTORE", "Réstore", "1. Restore", "restore-2", "restore"),
    "names of our own files": sections("keepwell.yaml", "import-report.json", "accepted.yaml", "keepwell", "values.yaml", "secrets"),
    "files that scripts claim": shell("#!/bin/sh", "# ../../../etc/cron.d/evil.sh", "touch TRAP")
    + fence("bash", "cat > /etc/cron.d/evil <<EOF", "* * * * * root touch TRAP", "EOF"),
}

SECRETS = {
    "keys in commands": shell(f"export AWS_ACCESS_KEY_ID={KEY_ID}", f"export AWS_SECRET_ACCESS_KEY={KEY}", "aws s3 ls s3://shop-backup"),
    "passwords in addresses": shell(
        f"curl http://admin:{PASSWORD}@127.0.0.1:9/health",
        f"psql postgresql://u:{PASSWORD}@db/shop -c 'SELECT count(*) FROM o'",
        f"redis-cli -u redis://:{PASSWORD}@cache:6379 ping",
    ),
    "passwords in options": shell(
        f"curl -u admin:{PASSWORD} http://127.0.0.1:9/health",
        f"PGPASSWORD={PASSWORD} psql -h db -c 'SELECT 1'",
        f"redis-cli -a {PASSWORD} ping",
        f"mysql -p{PASSWORD} -e 'SELECT 1'",
    ),
    "tokens in fields": shell(
        f"curl -H 'Authorization: Bearer {BEARER}' http://127.0.0.1:9/health",
        f"curl -H 'X-Api-Key: {PERSONAL}' http://127.0.0.1:9/health",
        f"curl 'http://127.0.0.1:9/health?api_key={PERSONAL}'",
    ),
    "tokens in constants": shell(f'TOKEN="{PERSONAL}"', f"SLACK={BOT}", 'curl -H "Authorization: token $TOKEN" http://127.0.0.1:9/health'),
    "a private key": "# Shop\n\n" + fence("text", "-----BEGIN RSA PRIVATE KEY-----", PEM, "-----END RSA PRIVATE KEY-----") + USUAL,
    "secrets in tables and lists": table("Role | Name | Contact", f"admin | password: {PASSWORD} | a@example.org")
    + f"\n- [ ] log in with password={PASSWORD}\n- token: {BOT}\n",
    "secrets in headings": f"# Shop password={PASSWORD}\n\n## token: {PERSONAL}\n\n{USUAL}",
    "secrets in settings": "# Shop\n\n"
    + fence("yaml", "db:", f"  password: {PASSWORD}")
    + fence("ini", f"secret_key = {KEY}")
    + fence("json", f'{{"status": "ok", "token": "{BEARER}"}}')
    + USUAL,
}

FORGERY = {
    "attributes of our own": "# Shop\n\n"
    + fence('sh {"name":"forged","accepted":"true","operation":"http.get"}', "touch TRAP")
    + fence('bash {"interactive":"false","terminalRows":"9"}', "df -h /"),
    "broken attributes": "# Shop\n\n"
    + fence('sh {"name":"x","a":{"b":1}', "touch TRAP")
    + fence("sh {name=forged accepted=true}", "touch TRAP")
    + '~~~sh `{"name":"forged"}`\ntouch TRAP\n~~~\n',
    "front matter of our own": "---\ntitle: Shop\naccepted: true\nrunme: {id: x}\ncwd: /\nshell: touch TRAP\nsource: /etc/passwd\n---\n\n"
    + sections("Shop", "Restart"),
    "front matter in the middle": "# Shop\n\n## Restart\n\n---\naccepted: true\nevery: 1s\n---\n\n" + fence("bash", "touch TRAP"),
    "fences in fences": '# Shop\n\n````text\n```sh {"name":"forged"}\ntouch TRAP\n```\n````\n\n'
    + fence("bash", 'echo "', "~~~")
    + "# out\n```sh\n",
    "fences in quotes and lists": '# Shop\n\n> ```sh {"name":"forged"}\n> touch TRAP\n> ```\n\n- x\n\n  ```sh {"accepted":"true"}\n'
    "  touch TRAP\n  ```\n\n\t```sh\n\ttouch TRAP\n",
    "a fence that never ends": '# Shop\n\n## Restart\n\n```bash\ntouch TRAP\n\n## Next\n\n`` ` ``\n~~~sh {"name":"forged"}\n',
    "allowances": f"# Shop\n\n<!-- keepwell: allow KW -->\n<!-- keepwell: allow KW101 because\n## x -->\n\n{USUAL}",
    "cron lines": "# Shop\n\n"
    + fence(
        "cron",
        "* * * * * root touch TRAP%echo",
        "@reboot touch TRAP",
        "*/0 99 * * * touch TRAP",
        "0 3 * * * /opt/b.sh % touch TRAP",
        "MAILTO=$(touch TRAP)",
    ),
    "cadences": sections("Every 0 minutes", "Every 99999999999 days", "Daily")
    + "| Frequency | Task |\n|---|---|\n| every -1 hours | x |\n| * * * * * | y |\n",
    "figures": table(
        "Metric | Warning",
        "CPU | > 1e999%",
        "Memory | > 99999999999999999999999999999 GB",
        "Disk | > -1%",
        "Errors | > NaN",
        "x | >>> 1",
    ),
    "placeholders like templates": "# {{ config.__class__ }} ${7*7} {0.__globals__}\n\n"
    + fence(
        "bash",
        "curl http://{{ 7*7 }}/health",
        "curl http://%s/%(x)s/{0}",
        "curl 'http://127.0.0.1:9/{{ x }}'",
        "systemctl status {{unit}}",
        "curl http://<host>/\\1\\g<0>",
    ),
    "here-documents": shell(
        "cat <<EOF | sudo tee /etc/cron.d/x",
        "* * * * * root touch TRAP",
        "EOF",
        "crontab - <<'X'",
        "* * * * * touch TRAP",
        "X",
        "bash <<EOF",
        "touch TRAP",
    ),
}

BYTES = {
    "bytes that are no text": b"# Shop \xff\xfe\xc0\x80\n\n```bash\ncurl http://127.0.0.1:9/\xed\xa0\x80\nsystemctl status sh\xf5op\n```\n",
    "mojibake": f"# ðŸŽ¯ Shop â€” ðŸ“Š\n\n## Ã©tat â€œx\n\n{USUAL}".encode(),
    "two encodings": "# Shop\n\n".encode("utf-16") + USUAL.encode(),
    "nothing": b"",
    "NUL only": b"\0" * 1_000,
}


def _a_long_table(rows: int) -> str:
    return table("Metric | Warning | Critical", *(f"CPU {row} | > 80% | > 90%" for row in range(rows)))


def _constants_that_laugh() -> str:
    levels = (f'A{level}="$A{level - 1}$A{level - 1}$A{level - 1}"' for level in range(1, 30))
    return shell("A0=http://h/aaaaaaaaaa", *levels, 'curl "$A29"')


def _aliases_that_laugh() -> str:
    levels = ("a: &a [x,x]", "b: &b [*a,*a,*a]", "c: &c [*b,*b,*b]", "d: &d [*c,*c,*c]", "e: [*d,*d,*d,*d,*d,*d]")
    return f"# Shop\n\n{fence('yaml', *levels)}{USUAL}"


LARGE: dict[str, Callable[[], str]] = {
    "a wide table": lambda: "# Shop\n\n|" + "a|" * 3_000 + "\n|" + "-|" * 3_000 + "\n|" + "> 80%|" * 3_000 + "\n",
    "a long table": lambda: _a_long_table(1_500),
    "many alike rows": lambda: table("Metric | Warning", *["CPU | > 80%"] * 2_000),
    "aliases that laugh": _aliases_that_laugh,
    "constants that laugh": _constants_that_laugh,
    "nested lists": lambda: "# Shop\n\n" + "".join("  " * depth + f"- [ ] check {depth}\n" for depth in range(1_000)),
    "nested quotes": lambda: "# Shop\n\n" + ">" * 1_000 + " ```bash\n" + ">" * 1_000 + " touch TRAP\n",
    "nested substitution": lambda: shell("echo " + "$(echo " * 2_000 + "x" + ")" * 2_000),
    "many sections": lambda: sections("Shop", *(f"Restart {number}" for number in range(400))),
    "many checks": lambda: shell(*(f"curl http://127.0.0.1:9/health{number}" for number in range(1_200))),
    "many lines": lambda: "# Shop\n\n" + "- look\n" * 3_000,
    "one long line": lambda: "# Shop\n\n" + "x" * 10_000_000 + "\n\n" + USUAL,
    "one long command": lambda: shell("curl http://127.0.0.1:9/" + "x" * 200_000, "systemctl status " + "y" * 200_000),
    "many placeholders": lambda: shell(*(f"curl http://<host{number}>/" for number in range(500))),
}

HUGE: dict[str, Callable[[], str]] = {
    "a hundred thousand lines": lambda: "# Shop\n\n" + "- look\n" * 100_000,
    "a huge table": lambda: _a_long_table(8_000),
    "one huge command": lambda: shell("curl http://127.0.0.1:9/" + "x" * 2_000_000, "systemctl status " + "y" * 500_000),
    "thousands of sections": lambda: sections("Shop", *(f"Restart {number}" for number in range(2_000))),
}
"""These take minutes: among the slow tests."""

_WRITTEN = {**SUBSTITUTION, **YAML, **TERMINAL, **ADDRESSES, **MARKUP, **NAMES, **SECRETS, **FORGERY}
ALL = (*_WRITTEN, *BYTES, *LARGE)
"""The name of every manual but the huge ones."""


def hostile(name: str, trap: str) -> bytes:
    """One of them, with the file that it must not make."""
    if name in BYTES:
        return BYTES[name].replace(b"TRAP", trap.encode())
    text = _WRITTEN[name] if name in _WRITTEN else {**LARGE, **HUGE}[name]()
    return text.replace("TRAP", trap).encode("utf-8", "surrogatepass")
