"""The controls of audits on this machine: real files, sockets, logs, accounts, packages and certificates."""

import gzip
import json
import re
import socket
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from keepwell.kernel.problems import AnswerError, AskError
from keepwell.machine.local_runner import LocalRunner
from tests.support import free_port, need, wait_until


async def found(control: str, options: Mapping[str, Any]) -> dict[str, str]:
    """What the control finds here, by key."""
    driver = import_module(f"keepwell.rooms.audits.controls.{control}").DRIVER
    read = driver.options.model_validate_json(json.dumps(options))
    runner = LocalRunner()
    answers = [await runner.run(replace(command, timeout=60.0)) for command in driver.ask(read)]
    return {finding.key: finding.sentence for finding in driver.read(read, answers, datetime.now(UTC))}


async def test_files_and_folders_that_everybody_may_write(tmp_path: Path) -> None:
    (tmp_path / "open file").write_text("x")
    (tmp_path / "open file").chmod(0o666)
    (tmp_path / "upload").mkdir()
    (tmp_path / "upload").chmod(0o777)
    (tmp_path / "sticky").mkdir()
    (tmp_path / "sticky").chmod(0o1777)
    (tmp_path / "link").symlink_to("/nowhere")
    assert set(await found("world_writable", {"paths": [str(tmp_path)]})) == {f"{tmp_path}/open file", f"{tmp_path}/upload"}


async def test_a_port_that_is_opened_is_found_and_one_that_nobody_opens_too() -> None:
    need("ss")
    with socket.create_server(("127.0.0.1", 0)) as server:
        port, other = server.getsockname()[1], free_port()
        findings = await found("listening_ports", {"expected": [other], "loopback": True})
        assert f"missing {other}" in findings
        (key,) = [key for key in findings if key.startswith(f"127.0.0.1:{port}/tcp")]
        assert findings[key].endswith(f"listens on 127.0.0.1:{port}/tcp, which is not expected")
        expected = await found("listening_ports", {"expected": [f"127.0.0.1:{port}"], "loopback": True})
        assert not [key for key in expected if f":{port}/" in key]


async def test_failures_in_a_log_and_in_its_rotated_and_compressed_ones(tmp_path: Path) -> None:
    need("zgrep")
    now = datetime.now(UTC)
    stamp = now.strftime("%Y-%m-%d %H:%M:%S")
    (tmp_path / "app.log").write_text(f"[{stamp}] Authentication failed for x from 10.0.0.9\n[{stamp}] all is well\n")
    (tmp_path / "app.log.1").write_text(f"[{stamp}] authentication failed from 10.0.0.9\n[2001-01-01 00:00:00] authentication failed\n")
    with gzip.open(tmp_path / "app.log.2.gz", "wt") as file:
        file.write(f"[{stamp}] authentication failed from 10.0.0.7\n")
    (tmp_path / "other.log").write_text(f"[{stamp}] authentication failed from 10.0.0.1\n")
    path = str(tmp_path / "app.log")
    findings = await found("failed_authentications", {"paths": [path]})
    assert findings == {
        f"{path} 10.0.0.9": f'authentication from 10.0.0.9 failed 2 times within 1d, says "{path}"',
        f"{path} 10.0.0.7": f'authentication from 10.0.0.7 failed once within 1d, says "{path}"',
    }
    with pytest.raises(AnswerError, match="there is no log"):
        await found("failed_authentications", {"paths": [str(tmp_path / "absent.log")]})


async def test_failures_in_logs_that_were_rotated_into_a_folder_of_their_own(tmp_path: Path) -> None:
    need("zgrep")
    stamp = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S")
    (tmp_path / "app.log").write_text("")  # as it is right after a rotation
    for folder, address in (("archive", "10.0.0.1"), ("old", "10.0.0.2"), ("another", "10.0.0.3"), ("archive/deeper", "10.0.0.4")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "app.log.1").write_text(f"[{stamp}] authentication failed from {address}\n")
        (tmp_path / folder / "other.log").write_text(f"[{stamp}] authentication failed from 10.0.0.5\n")
    path = str(tmp_path / "app.log")
    assert set(await found("failed_authentications", {"paths": [path]})) == {f"{path} 10.0.0.1", f"{path} 10.0.0.2"}


async def test_a_log_that_is_not_searched_is_not_searched_in_silence(tmp_path: Path) -> None:
    need("zgrep")
    log, cut = tmp_path / "app.log", tmp_path / "app.log.1.gz"
    line = f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} authentication failed from 10.0.0.9\n"
    log.write_text(line)
    with pytest.raises(AskError, match="was searched"):
        await found("failed_authentications", {"paths": [str(log)], "pattern": "("})
    whole = gzip.compress(line.encode() * 100)
    cut.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(AskError, match=re.escape(cut.name)):
        await found("failed_authentications", {"paths": [str(log)]})


@pytest.mark.parametrize(("ending", "module", "search"), [("xz", "lzma", "xzgrep"), ("bz2", "bz2", "bzgrep")])
async def test_logs_that_gzip_cannot_open_are_searched(tmp_path: Path, ending: str, module: str, search: str) -> None:
    need(search)
    log, packed = tmp_path / "app.log", tmp_path / f"app.log.1.{ending}"
    stamp = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S")
    log.write_text("all is well\n")
    packed.write_bytes(import_module(module).compress(f"[{stamp}] authentication failed from 10.0.0.7\n".encode()))
    assert list(await found("failed_authentications", {"paths": [str(log)]})) == [f"{log} 10.0.0.7"]


async def test_accounts_of_this_machine() -> None:
    need("getent")
    findings = await found("accounts", {"expected": ["nobody-of-that-name"], "present": ["root", "daemon"]})
    assert findings["missing nobody-of-that-name"] == 'the account "nobody-of-that-name" does not exist'
    assert not [key for key in findings if key in ("missing root", "missing daemon", "root root", "login root")]


async def test_updates_of_this_machine_are_told_or_that_nothing_is_known() -> None:
    need("apt-get")
    findings = await found("security_updates", {"lists": "1y"})
    assert all("security update of " in sentence or "package lists" in sentence for sentence in findings.values())


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[str, int]]:
    """A certificate of three days in a file, and the port of a server that shows it."""
    openssl, port = need("openssl"), free_port()
    key, certificate = tmp_path / "key.pem", tmp_path / "shop.pem"
    make = [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "3", "-subj", "/CN=shop"]
    subprocess.run([*make, "-keyout", str(key), "-out", str(certificate)], check=True, capture_output=True)
    serve = [openssl, "s_server", "-accept", f"127.0.0.1:{port}", "-cert", str(certificate), "-key", str(key), "-quiet"]
    server = subprocess.Popen(serve, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: _answers(port), what="the TLS server")
        yield str(certificate), port
    finally:
        server.kill()
        server.wait()


async def test_certificates_in_a_file_and_of_a_server(served: tuple[str, int]) -> None:
    certificate, port = served
    options = {"paths": [certificate], "addresses": [f"127.0.0.1:{port}"]}
    findings = await found("certificates", options)
    assert len(findings) == 2
    assert all('the certificate "CN=shop" of ' in sentence for sentence in findings.values())
    assert await found("certificates", {**options, "within": "1h"}) == {}


def _answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True
