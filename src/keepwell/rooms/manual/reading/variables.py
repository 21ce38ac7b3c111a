"""Which shell variables have a value: those that some script of the manual sets, and those that a system gives. Pure."""

import re
from functools import lru_cache

from .model import Manual

NAME = re.compile(r"[A-Z][A-Z0-9_]{2,}")
_GIVEN = re.compile(
    r"^(HOME|USER|PATH|PWD|OLDPWD|HOSTNAME|RANDOM|SECONDS|LINENO|SHELL|TERM|LANG|TZ|EDITOR|VISUAL|PAGER|UID|EUID|GID|PPID|SHLVL|IFS|LOGNAME|MAIL|DISPLAY|"
    r"TMPDIR|KUBECONFIG|REPLY|OPTARG|OPTIND|FUNCNAME|PIPESTATUS|COLUMNS|LINES|JAVA_HOME|GOPATH|VIRTUAL_ENV|DEBIAN_FRONTEND|MAINPID|HOSTTYPE|OSTYPE|MACHTYPE|"
    r"(BASH|LC|SSH|SUDO|XDG|AWS|CI|GITHUB|GITLAB|DOCKER|PG)(_\w+)?|PG[A-Z]+|https?_proxy|HTTPS?_PROXY|NO_PROXY|EPOCHSECONDS|EPOCHREALTIME|SRANDOM)$"
)


def given_by_the_system(name: str) -> bool:
    """Whether a shell, a system or a well-known tool's environment gives the variable."""
    return bool(_GIVEN.match(name))


@lru_cache(maxsize=4)
def set_in_scripts(manual: Manual) -> frozenset[str]:
    """Names that some script sets: assignments, read, for, getopts, mapfile, and keys of settings (.env files, manifests)."""
    found: set[str] = set()
    for script in manual.scripts:
        found.update(assignment.name for assignment in script.assignments)
        found.update(block.variable for block in script.blocks if block.variable)
        for command in script.named("read", "mapfile", "readarray", "getopts", "printf", "select"):
            found.update(word.filled for word in command.operands)
    for setting in manual.settings:
        found.update(setting.path)
        found.add(setting.value)
    return frozenset(found)
