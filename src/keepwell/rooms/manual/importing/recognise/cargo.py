"""cargo, make, mvn, gradle, go, pytest: programs are built and tested as a part of a change, a deployment or an update."""

from keepwell.rooms.manual.importing.command_words import done, main_command, understood, words
from keepwell.rooms.manual.importing.model import Found, Recogniser, View
from keepwell.rooms.manual.importing.purposes import with_purpose, within
from keepwell.rooms.manual.reading.model import Kind

_FLAGS = words(
    "--release --no-deps --open --all --workspace --locked --all-features --all-targets -p --package -j -q -v --clean -B "
    "-DskipTests --no-daemon -o ./..."
)
_VERBS = {
    "audit": "security.vulnerabilities",
    "deny": "security.vulnerabilities",
    "outdated": "security.vulnerabilities",
    "update": "update",
    "doc": "docs",
    "readme": "docs",
    "test": "change",
    "clippy": "change",
    "fmt": "change",
    "check": "change",
    "bench": "loadtest",
    "verify": "change",
    "lint": "change",
}
_INSTALLED = {
    "cargo-audit": "security.vulnerabilities",
    "cargo-outdated": "security.vulnerabilities",
    "cargo-readme": "docs",
    "cargo-deny": "security.vulnerabilities",
}
_BUILDS = words("build install package compile clean assemble run")


def read(view: View) -> Found | None:
    """What an item that builds or tests becomes."""
    command = main_command(view, "cargo", "make", "mvn", "mvnw", "gradle", "gradlew", "go", "pytest", "tox", "rustup")
    if command is None:
        return None
    verb = command.subcommand or ("test" if command.name in ("pytest", "tox") else "build")
    packages = [word.filled for word in command.operands[1:]]
    clear = (verb in _VERBS or verb in _BUILDS) and understood(view, command, _FLAGS)
    operation = f"{command.name}.{verb}" if clear else ""
    if verb == "install" and packages and packages[0] in _INSTALLED:
        return done(view, with_purpose(view, _INSTALLED[packages[0]]), operation)
    around = within(view, "failover", "deploy", "update", "change", "docs")
    if verb in _VERBS:
        return done(view, with_purpose(view, _VERBS[verb]), operation)
    return done(view, with_purpose(view, around or "deploy", *(() if around else ("update",))), operation)


RECOGNISER = Recogniser(
    "cargo",
    (Kind.COMMAND, Kind.ASSIGNMENT),
    read,
    ("cargo", "make", "mvn", "mvnw", "gradle", "gradlew", "go", "pytest", "tox", "rustup"),
    example="""\
# Shop

## Update

```bash
cargo audit
cargo build --release
```
""",
)
