"""sysctl, and settings of the kernel and of limits that are appended to their files (sysctl(8), limits.conf(5))."""

import re

from keepwell.rooms.manual.importing.command_words import done, kept_in, main_command, understood, words
from keepwell.rooms.manual.importing.model import Found, Recogniser, View
from keepwell.rooms.manual.importing.purposes import with_purpose
from keepwell.rooms.manual.reading.model import Kind

_FILES = re.compile(r"/etc/(?:sysctl\.conf|sysctl\.d/|security/limits|systemd/|default/grub|modprobe\.d/)|^/proc/sys/|^/sys/")
_SETTING = re.compile(r"""["']?[\w.*-]+\s*=?\s*[\w.\- ]+["']?""")


def read(view: View) -> Found | None:
    """What an item that tunes the kernel becomes."""
    command = main_command(view, "sysctl", "echo", "printf", "tee", "modprobe", "swapoff", "swapon")
    if command is None:
        return None
    if command.name in ("echo", "printf", "tee"):
        target = kept_in(view, command)
        for part in command.pipeline:
            if part.name == "tee" and part.operands:
                target = part.operands[0].filled
        if not _FILES.search(target):
            return None
        setting = command.words[1].filled if len(command.words) > 1 else ""
        clear = command.name == "echo" and len(command.pipeline) == 1 and bool(_SETTING.fullmatch(setting))
        return done(view, with_purpose(view, "tuning"), "host.set_kernel_parameter" if clear else "")
    clear = understood(view, command, words("-p -w -a -n --system -q"))
    writes = command.has_flag("-w", "-p", "--system") or "=" in command.text
    operation = (
        ("host.set_kernel_parameter" if writes else "host.kernel_parameters") if command.name == "sysctl" else f"host.{command.name}"
    )
    return done(
        view, with_purpose(view, "tuning" if writes or command.name != "sysctl" else "diagnostics", "tuning"), operation if clear else ""
    )


RECOGNISER = Recogniser(
    "sysctl",
    (Kind.COMMAND,),
    read,
    ("sysctl", "echo", "printf", "tee", "modprobe", "swapoff", "swapon"),
    order=40,
    example="""\
# Shop

## Tuning

```bash
echo 'vm.swappiness = 10' >> /etc/sysctl.conf
sysctl -p
```
""",
)
