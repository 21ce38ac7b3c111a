"""A copy is restored without Keepwell: by the very lines of the text beside it, with tar, zstd, age and openssl alone."""

import os
import re
import subprocess
from pathlib import Path

import pyrage
import pytest

from keepwell.ports.work import Outcome
from tests.backups import rig_on
from tests.support import need


def lines_of(folder: Path) -> list[str]:
    """The commands of README.txt."""
    return [
        line.strip()
        for line in (folder / "README.txt").read_text().splitlines()
        if line.startswith("    ") and not line.strip().startswith("age1")
    ]


def shell(line: str, folder: Path) -> str:
    done = subprocess.run(["bash", "-euo", "pipefail", "-c", line], cwd=folder, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, f"{line}: {done.stderr}"
    return done.stdout


def facts(root: Path) -> dict[str, tuple[object, ...]]:
    """Kind, mode, owner, time, content or target of everything below a folder."""
    found: dict[str, tuple[object, ...]] = {}
    for path in sorted(root.rglob("*")):
        stat = path.lstat()
        content = os.readlink(path) if path.is_symlink() else path.read_bytes() if path.is_file() else b""
        found[str(path.relative_to(root))] = (stat.st_mode, stat.st_uid, stat.st_gid, stat.st_mtime_ns, stat.st_nlink, content)
    return found


@pytest.mark.parametrize("encrypted", [False, True], ids=["plain", "encrypted"])
async def test_the_readme_beside_a_copy_restores_it(tmp_path: Path, encrypted: bool) -> None:
    programs = [need("tar"), need("zstd"), need("openssl"), *([need("age")] if encrypted else [])]
    assert programs
    identity = pyrage.x25519.Identity.generate()
    async with rig_on(tmp_path) as rig:
        if os.geteuid() == 0:
            os.chown(rig.source / "conf" / "key", 1234, 4321)
        rig.configure(archive=f", age: {identity.to_public()}" if encrypted else "")
        await rig.reload()
        performed = await rig.run()
        assert performed.outcome is Outcome.DONE, performed.sentence
        folder = rig.newest()
        source = rig.source
    if encrypted:
        assert b"listen = 3001" not in b"".join(one.read_bytes() for one in folder.iterdir())
        (folder / "KEY.txt").write_text(f"{identity}\n")
    path = f"{source}/conf/shop.conf".lstrip("/")
    digest, signature, listing, make, restore, one_path, members = lines_of(folder)
    assert shell(digest, folder).endswith(": OK\n")
    assert "Verified Successfully" in shell(signature, folder)
    assert "conf/shop.conf" in shell(listing, folder)
    shell(make, folder)
    shell(restore, folder)
    assert facts(folder / "restored" / str(source).lstrip("/")) == facts(source)
    (folder / "one").mkdir()
    shell(one_path.replace("PATH", path).replace("-C restored", "-C one"), folder)
    assert [one.name for one in (folder / "one").rglob("*") if one.is_file()] == ["shop.conf"]
    assert len(re.findall('"sha256"', shell(members, folder))) == 4


async def test_an_encrypted_copy_is_proven_with_its_identity_and_not_without(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    identity, other = pyrage.x25519.Identity.generate(), pyrage.x25519.Identity.generate()
    key = tmp_path / "key.txt"
    key.write_text(f"# made for this test\n{identity}\n")
    key.chmod(0o600)
    async with rig_on(tmp_path) as rig:
        rig.configure(archive=f", age: {identity.to_public()}")
        await rig.reload()
        assert (await rig.run()).outcome is Outcome.DONE
        performed = await rig.prove()
        assert performed.outcome is Outcome.FAILED
        assert "has no identity that opens them" in performed.sentence
        assert [copy.fault for copy in await rig.copies()] == [""]  # nothing is known against the copy
        rig.configure(archive=f", age: {identity.to_public()}, identity: 'secret:file:{key}'")
        await rig.reload()
        performed = await rig.prove()
        assert performed.outcome is Outcome.DONE, performed.sentence
        assert (await rig.run()).outcome is Outcome.DONE
        key.write_text(str(other))
        performed = await rig.prove()
        assert performed.outcome is Outcome.FAILED
        assert "cannot be decrypted with the identity that is set" in performed.sentence
        assert "AGE-SECRET" not in performed.sentence
