"""KW313: whatever is at the tip of a branch is deployed."""

import re
from collections.abc import Iterator

from keepwell.rooms.manual.lint.model import Finding, Rule, Severity
from keepwell.rooms.manual.reading.model import Manual
from keepwell.rooms.manual.reading.shell_model import ShellCommand

_DEPLOYS = re.compile(r"deploy|release|rollout", re.IGNORECASE)
_NAMES_A_VERSION = re.compile(r"git (?:checkout|switch) (?:-\S+ )*(?:tags/)?v?\d|verify-(?:tag|commit)|--verify-signatures|git rev-parse"
r"|git describe|git tag\b|git log -1|PREVIOUS|ROLLBACK", re.IGNORECASE)  # fmt: skip


def _check(manual: Manual) -> Iterator[Finding]:
    for script in manual.scripts:
        if _NAMES_A_VERSION.search(script.text):
            continue
        pull = next((command for command in script.named("git") if command.subcommand == "pull"), None)
        if pull is not None:
            follower = next((command for command in script.commands[pull.index + 1 :] if _goes_live(command)), None)
            if follower is not None:
                branch = pull.operands[-1].filled if len(pull.operands) > 2 else "the branch"
                yield Finding(
                    pull.line,
                    f"whatever is at the tip of {branch} at that moment is taken ({follower.name} in line {follower.line} follows): "
                    "no tag or commit is named, and nothing notes which one to go back to",
                    column=pull.column,
                    width=len("git"),
                    fix="git rev-parse HEAD > previous; git fetch --tags; git checkout v1.2.3; deploy that",
                )


def _goes_live(command: ShellCommand) -> bool:
    words = [word.filled for word in command.operands]
    if command.name == "systemctl":
        return words[:1] in (["restart"], ["reload"])
    if command.name in ("docker", "docker-compose"):
        return "up" in words[:2] or "restart" in words[:2]
    if command.name in ("cargo", "npm", "yarn", "pnpm", "make", "mvn", "gradle", "go"):
        return any(word in ("build", "install", "ci", "package", "deploy", "release") for word in words[:2])
    return bool(_DEPLOYS.search(command.name))


RULE = Rule(
    id="KW313",
    name="deploys-the-tip-of-a-branch",
    title="Whatever is at the tip of a branch is deployed",
    severity=Severity.WARNING,
    why="git pull takes the newest commit of the moment, also one that was pushed a minute ago and not built. Two machines that follow "
    "the same procedure run different "
    "versions, and when it goes wrong nobody knows which was there before. Sources: git-pull(1); git-tag(1); Google SRE book, chapter 8 "
    "(release engineering).",
    bad="""# Update

```bash
git pull origin main
./deploy.sh
```
""",
    good="""# Update

```bash
git rev-parse HEAD > /var/lib/shop/previous
git fetch --tags
git checkout v1.4.2
./deploy.sh
```
""",
    check=_check,
)
