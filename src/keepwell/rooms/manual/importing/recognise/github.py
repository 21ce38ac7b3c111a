"""gh and glab: pull requests, releases and runs of a forge (cli.github.com/manual)."""

from keepwell.rooms.manual.importing.command_words import done, main_command, understood, words
from keepwell.rooms.manual.importing.model import Found, Recogniser, View
from keepwell.rooms.manual.importing.purposes import with_purpose
from keepwell.rooms.manual.reading.model import Kind

_FLAGS = words(
    "--title -t --body -b --json --base --head --reviewer -r --label -l --repo -R --limit -L --state -s --merge --squash "
    "--rebase --draft --fill --web --notes --generate-notes --approve --comment --assignee"
)
_KNOWN = {
    "pr": words("create view list merge review checks status checkout close diff edit ready"),
    "issue": words("create view list close comment edit status"),
    "release": words("create view list upload download"),
    "run": words("list view watch rerun cancel"),
    "workflow": words("run list view enable disable"),
}


def read(view: View) -> Found | None:
    """What an item that calls a forge's command line becomes."""
    command = main_command(view, "gh", "glab", "hub")
    if command is None:
        return None
    group = command.subcommand
    verb = command.words[2].filled if len(command.words) > 2 else ""
    clear = command.name == "gh" and verb in _KNOWN.get(group, ()) and understood(view, command, _FLAGS)
    own = "deploy" if group in ("release", "run", "workflow") else "change"
    return done(view, with_purpose(view, own), f"github.{group}_{verb}" if clear else "")


RECOGNISER = Recogniser(
    "github",
    (Kind.COMMAND, Kind.ASSIGNMENT),
    read,
    ("gh", "glab", "hub"),
    example="""\
# Shop

## Change review

```bash
gh pr create --title "Change" --body "Why"
```
""",
)
