"""Pure: whether a step destroys or changes something, so that it needs a permission beside its acceptance.

Three signs, in this order: a rule of lint's class KW3xx (destructive) was found in it, its operation changes something, or its shell text
holds a command that does. The last is a search for words, not a proof: what it misses is still accepted by a person, word by word.
"""

import re

_CHANGING = {
    "start": "starts a service",
    "stop": "stops a service",
    "restart": "restarts a service",
    "reload": "reloads a service",
    "delete": "deletes",
    "delete_older": "deletes files",
    "move": "moves files",
    "write": "writes files",
    "flush": "empties a store",
    "scale": "changes how many instances run",
    "patch": "changes what is deployed",
    "set_limit": "changes a limit",
    "append": "changes rules of the network",
    "install": "installs packages",
    "update": "changes packages",
    "push": "changes a remote repository",
    "db_push": "changes a database",
    "script": "changes a database",
    "vacuum": "rewrites tables",
    "reindex": "rewrites indices",
    "terminate_sessions": "ends sessions of others",
    "force": "rotates logs",
    "compress": "replaces files",
    "system": "restores over what is there",
    "config": "restores over what is there",
    "database": "restores over what is there",
    "failover": "moves the service elsewhere",
}
"""The last word of an operation, and what it does."""

_VALUES = r"(?:[A-Za-z_]\w*=\S*\s+){0,20}+"
_BEFORE = (
    r"(?:if|elif|while|until|!)\s+",
    r"(?:sudo|doas)\s+(?:-[ughpCDRTU]\s+\S+\s+|-\S+\s+){0,9}+",
    r"xargs\s+(?:-[InPLdaEs]\s+\S+\s+|-\S+\s+){0,9}+",
    r"(?:env|exec|command|nohup|time|setsid|nice|ionice|timeout)\s+(?:-[ucnks]\s+\S+\s+|-\S+\s+){0,9}+(?:[0-9][0-9.]*[smhd]?\s+)?",
    r"(?:docker|podman)(?:-compose|\s+compose)?\s+(?:exec|run)\s+(?:-[uwe]\s+\S+\s+|-\S+\s+){0,9}+[^-\s]\S*\s+",
    r"kubectl\s+(?:-\S+\s+(?:(?!exec\s)[^-\s]\S*\s+)?){0,9}+exec\s+(?:\S+\s+){1,8}?--\s+",
    r"ssh\s+(?:-[iplFoJ]\s+\S+\s+|-\S+\s+){0,9}+[^-\s]\S*\s+[\"']?",
    r"(?:ba|da)?sh\s+(?:-\S+\s+){0,9}?-\w*c\s+[\"']",
)
"""What may stand before a command and has it run all the same: as somebody else, elsewhere, for each of many. All of it is bounded, since
texts come from documents."""
_COMMAND = (
    rf"(?:^|[;&|(`]|\{{\s|\b(?:then|do|else|sudo|exec|xargs)\b)\s*{_VALUES}(?:(?:{'|'.join(_BEFORE)}){_VALUES}){{0,6}}"
    r"\\?(?:[\w.~$-]*/)*"
)
_SQL = r"\b(?:DROP|DELETE|TRUNCATE|UPDATE|ALTER|INSERT|VACUUM|REINDEX)\b"
_WORDS: tuple[tuple[str, str], ...] = (
    (r"(?:rm|rmdir|unlink|shred)\s", "deletes files"),
    (r"find\s[^\n]*\s-delete\b", "deletes files"),
    (r"find\s[^\n]*-exec\s+(?:rm|mv)\b", "deletes or moves files"),
    (r"mv\s", "moves files"),
    (r"(?:cp|install|rsync)\s", "writes over files"),
    (r"(?:dd|mkfs\S*|wipefs|fdisk|parted|truncate)\s", "writes over a device or a file"),
    (r"tar\s+(?:-?\w*x\w*|--extract|--get)\b", "unpacks over what is there"),
    (r"(?:chmod|chown|chgrp|setfacl)\s", "changes permissions"),
    (r"(?:kill|pkill|killall)\s", "ends processes"),
    (r"systemctl\s+(?:-\S+\s+)*(?:start|stop|restart|reload|kill|enable|disable|mask|daemon-reload|isolate)\b", "changes a service"),
    (r"service\s+\S+\s+(?:start|stop|restart|reload)\b", "changes a service"),
    (r"supervisorctl\s+(?:-\S+\s+)*(?:start|stop|restart|reload|update)\b", "changes a service"),
    (r"(?:reboot|shutdown|poweroff|halt)\b", "ends the machine"),
    (
        r"docker(?:-compose|\s+compose)?\s+(?:-\S+\s+(?:[^-\s]\S*\s+)?)*(?:rm|rmi|stop|kill|restart|down|up|prune|system\s+prune)\b",
        "changes containers",
    ),
    (
        r"kubectl\s+(?:-\S+\s+(?:[^-\s]\S*\s+)?)*(?:delete|apply|patch|scale|rollout\s+(?:restart|undo)|drain|cordon|edit|replace)\b",
        "changes a cluster",
    ),
    (r"(?:apt|apt-get|dnf|yum|apk|pip|npm)\s+(?:-\S+\s+)*(?:install|upgrade|dist-upgrade|remove|purge|update\s+--)\b", "changes packages"),
    (r"(?:iptables|ip6tables|nft|ufw|firewall-cmd)\s+(?!-L|--list|list|status)", "changes rules of the network"),
    (r"(?:useradd|userdel|usermod|groupadd|groupdel|passwd|chpasswd)\s", "changes accounts"),
    (r"git\s+(?:push|reset\s+--hard|clean)\b", "changes a repository"),
    (r"crontab\s+(?!-l)", "changes a schedule"),
    (r"logrotate\s", "rotates logs"),
    (r"redis-cli\s[^\n]*\b(?:FLUSHALL|FLUSHDB|DEL|UNLINK)\b", "deletes keys"),
    (r"(?:pg_restore|dropdb|createdb|vacuumdb|reindexdb)\b", "changes a database"),
    (rf"(?:psql|mysql|sqlite3)\s(?:[^\n]*{_SQL}|[^\n]*<<[\s\S]{{0,2000}}?{_SQL})", "changes a database"),
)
_FOUND = tuple((re.compile(_COMMAND + word, re.IGNORECASE | re.MULTILINE), what) for word, what in _WORDS)
_DESTRUCTIVE_RULE = re.compile(r"\bKW3[0-9]{2}\b")


def danger(operation: str, rule: str, text: str) -> str:
    """What a step destroys or changes, as the end of the sentence "it ..."; empty where nothing is found."""
    if match := _DESTRUCTIVE_RULE.search(rule):
        return f"is destructive by the rule {match[0]}"
    if what := _CHANGING.get(operation.rpartition(".")[2]):
        return what
    bare = "\n".join(line for line in text.split("\n") if not line.lstrip().startswith("#")).replace("\\\n", " ")
    return next((what for pattern, what in _FOUND if pattern.search(bare)), "")
