"""certbot, acme.sh and lego: certificates are renewed (certbot's own documentation, "User Guide")."""

from keepwell.rooms.manual.importing.command_words import done, main_command, understood, words
from keepwell.rooms.manual.importing.model import Found, Recogniser, View
from keepwell.rooms.manual.importing.purposes import with_purpose
from keepwell.rooms.manual.reading.model import Kind

_FLAGS = words(
    "--dry-run --quiet -q --force-renewal --cert-name -d --domain --nginx --apache --standalone --webroot -w --webroot-path "
    "--deploy-hook --pre-hook --post-hook -n --non-interactive --agree-tos -m --email"
)


def read(view: View) -> Found | None:
    """What an item that handles certificates of Let's Encrypt becomes."""
    command = main_command(view, "certbot", "certbot-auto", "acme.sh", "lego")
    if command is None:
        return None
    verb = command.subcommand or "run"
    clear = command.name.startswith("certbot") and understood(view, command, _FLAGS)
    dry = "_dry_run" if command.has_flag("--dry-run") else ""
    return done(view, with_purpose(view, "security.certificates"), f"certbot.{verb.replace('-', '_')}{dry}" if clear else "")


RECOGNISER = Recogniser(
    "certbot",
    (Kind.COMMAND,),
    read,
    ("certbot", "certbot-auto", "acme.sh", "lego"),
    example="""\
# Shop

## Monthly

```bash
certbot renew --dry-run
```
""",
)
