"""The text beside each copy: how to restore it by hand, with tar, zstd, age and openssl alone."""

from keepwell.rooms.backups.model import Manifest

from .layout import MANIFEST, PUBLIC_KEY, SIGNATURE


def readme(manifest: Manifest) -> str:
    """What README.txt says."""
    archive, members = manifest.archive.name, manifest.members.name
    decrypt = "age --decrypt --identity KEY.txt {} | zstd -d" if manifest.recipients else "zstd -dc {}"
    whom = "".join(f"\n    {one}" for one in manifest.recipients)
    key = f"\nIt is encrypted with age (age-encryption.org) for:{whom}\nKEY.txt holds the identity of one of them.\n"
    return f"""\
A backup of {manifest.backup} ({manifest.service}), made by Keepwell on {manifest.host} from {manifest.started:%Y-%m-%d %H:%M:%S} UTC on.

It can be restored without Keepwell, on any machine with tar and zstd{" and age" if manifest.recipients else ""}.
{key if manifest.recipients else ""}
Whether it is whole (each command must say OK or "Verified Successfully"):

    echo "{manifest.archive.sha256}  {archive}" | sha256sum --check
    openssl pkeyutl -verify -pubin -inkey {PUBLIC_KEY} -rawin -in {MANIFEST} -sigfile {SIGNATURE}

The digest above stands in {MANIFEST} too, which the second command proves. {PUBLIC_KEY} is only as good as the place it was read from:
compare it with a copy that was kept elsewhere (keepwell backups key prints it).

What is in it:

    {decrypt.format(archive)} | tar -tvf -

Into a folder of its own, which must not hold anything yet (as root, so that owners come back):

    mkdir restored
    {decrypt.format(archive)} | tar -xpf - --numeric-owner -C restored

One path of it (paths are written without the first slash):

    {decrypt.format(archive)} | tar -xpf - --numeric-owner -C restored PATH

{members} lists every member with its digest, one JSON object a line:

    {decrypt.format(members)}
"""
