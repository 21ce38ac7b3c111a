"""KW206: something that is called a check changes what it checks."""

import re
from collections.abc import Iterator

from keepwell.rooms.manual.lint.model import Finding, Rule, Severity
from keepwell.rooms.manual.reading.model import Manual
from keepwell.rooms.manual.reading.shell_model import ShellCommand

from .saying import label, short

_SAYS = re.compile(r"\b(?:verif(?:y|ies|ication)|validat(?:e|es|ing|ion)|check(?:s|ing)?)\b")
_CHANGES_TOO = re.compile(r"\b(?:apply|update|upgrade|deploy|run|create|install|renew|migrate|push|sync)\b")
_RUNNERS = frozenset(("npx", "yarn", "pnpm", "bunx", "bundle", "poetry", "uv", "exec", "run", "python", "python3", "php", "--"))
_DRY = frozenset(("--dry-run", "--check", "--diff", "--plan", "-n", "--pretend", "--no-commit"))
_CHANGING = (
    (("prisma", "db", "push"), "prisma migrate status"),
    (("prisma", "migrate", "deploy"), "prisma migrate status"),
    (("prisma", "migrate", "reset"), "prisma migrate status"),
    (("alembic", "upgrade"), "alembic current"),
    (("alembic", "downgrade"), "alembic current"),
    (("flyway", "migrate"), "flyway info"),
    (("rails", "db:migrate"), "rails db:migrate:status"),
    (("rake", "db:migrate"), "rake db:migrate:status"),
    (("manage.py", "migrate"), "manage.py migrate --check"),
    (("artisan", "migrate"), "artisan migrate:status"),
    (("terraform", "apply"), "terraform plan -detailed-exitcode"),
    (("terraform", "destroy"), "terraform plan -detailed-exitcode"),
    (("helm", "upgrade"), "helm diff, or helm upgrade --dry-run"),
    (("kubectl", "apply"), "kubectl diff"),
    (("kubectl", "delete"), "kubectl get"),
    (("oc", "apply"), "oc diff"),
    (("git", "push"), "git push --dry-run"),
    (("npm", "update"), "npm outdated"),
    (("certbot", "renew"), "certbot certificates, or certbot renew --dry-run"),
)


def _check(manual: Manual) -> Iterator[Finding]:
    for script in manual.scripts:
        for command in script.commands:
            found = _changing(command)
            said = label(script, command) if found else ""
            if found and _SAYS.search(said) and not _CHANGES_TOO.search(said):
                call, instead = found
                yield Finding(
                    command.line,
                    f'under "{short(said, 60)}" {call} changes what it should look at',
                    column=command.column,
                    width=len(command.name),
                    fix=instead,
                )


def _changing(command: ShellCommand) -> tuple[str, str] | None:
    """The call and what only looks, where a command changes something."""
    words = [word.filled.rpartition("/")[2] for word in command.words if not word.filled.startswith("-")]
    while words and words[0] in _RUNNERS:
        words = words[1:]
    if any(word.filled.partition("=")[0] in _DRY for word in command.words):
        return None
    return next(((" ".join(call), instead) for call, instead in _CHANGING if tuple(words[: len(call)]) == call), None)


RULE = Rule(
    id="KW206",
    name="verification-changes",
    title="A check changes what it checks",
    severity=Severity.ERROR,
    why="Whoever reads verify expects to be able to run it at any time. prisma db push alters the schema of the live database until it "
    "is like "
    "the model, past the history of migrations and, where asked to accept it, with loss of data; terraform apply, kubectl apply and "
    "their like "
    "do the same to what they manage. Sources: Prisma documentation, db push and migrate status; kubectl(1), diff; terraform plan.",
    bad="""# Migration

```bash
# Verify migration
docker compose exec backend npx prisma db push
```
""",
    good="""# Migration

```bash
# Verify migration
docker compose exec backend npx prisma migrate status
```
""",
    check=_check,
)
