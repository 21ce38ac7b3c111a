"""The options of the kind ``s3``, and what applies where a person gave no limits."""

import re
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from keepwell.config.options import HttpUrl, Options, SecretReference
from keepwell.kernel.comparisons import parse_comparison
from keepwell.rooms.checks.limits import BytesLimits, NumberLimits, SecondsLimits

AGE = (parse_comparison("> 1d"), parse_comparison("> 2d"))
_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,254}")
_KEY = re.compile(r"[A-Za-z0-9._/-]{1,200}")

Region = Annotated[str, Field(pattern=r"^[a-z0-9-]{1,60}$")]


class S3Options(Options):
    """A bucket of Amazon S3, or of anything that speaks its protocol (MinIO, Ceph, Backblaze, Hetzner, ...). Without more it says whether
    the bucket answers a list; every option further down asks something more, ``{}`` standing for the limits that its text names."""

    bucket: str
    """The bucket's name."""
    endpoint: HttpUrl | None = None
    """The service's address, such as ``https://minio.example.org:9000``. Without it: Amazon's own of the region."""
    region: Region = "us-east-1"
    """The region, which every signature names."""
    addressing: Literal["path", "host"] = "path"
    """Where the bucket stands: in the path (``https://HOST/BUCKET``), or in the host's name (``https://BUCKET.HOST``)."""
    access_key: SecretReference | None = None
    """The access key's name, as a reference to a secret. Without keys the bucket is asked as the public may."""
    secret_key: SecretReference | None = None
    """The secret key, as a reference to a secret."""
    token: SecretReference | None = None
    """The token of a session, where the keys are temporary."""
    verify: bool = True
    """Whether the server's certificate must be valid, trusted and for this host."""
    authority: str | None = None
    """Path of a PEM file with the certificate authorities to trust instead of the system's."""
    prefix: str = Field(default="", max_length=1000)
    """Only objects whose keys begin so are looked at, for example ``backups/daily/``."""
    newest: SecondsLimits | None = None
    """Limits on the age of the newest object. Without warn and fail: ``> 1d`` and ``> 2d``. Where there is none, it fails."""
    newest_size: BytesLimits | None = None
    """Limits on the newest object's size, for example ``{fail: "< 1MB"}``: a backup of nothing is small. No limit is usual."""
    count: NumberLimits | None = None
    """Limits on how many objects there are. No limit is usual."""
    size: BytesLimits | None = None
    """Limits on the bytes of all objects together. No limit is usual."""
    pages: int = Field(default=10, ge=1, le=30)
    """How many pages of a thousand objects are listed. Where there are more, only a part was seen, and the sentence says so."""
    versioning: bool | None = None
    """Whether the bucket must keep versions (true), or must not (false)."""
    lifecycle: bool | None = None
    """Whether at least one lifecycle rule must be in force (true), or none (false)."""
    public_access_blocked: Literal[True] | None = None
    """With true: all four settings that block public access must be on."""
    round_trip: bool = False
    """With true an object is written, read back and deleted again. This writes, so the check runs only when accepted. In a bucket that
    keeps versions each look leaves two behind."""
    round_trip_key: str = "keepwell-round-trip"
    """The key of the object that ``round_trip`` writes. Give each of several checks of one bucket its own."""

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if not _BUCKET.fullmatch(self.bucket) or ".." in self.bucket:
            raise ValueError("bucket is no name of a bucket: letters, digits, dots, hyphens and underscores")
        if (self.access_key is None) != (self.secret_key is None):
            raise ValueError("give both access_key and secret_key, or neither")
        if self.token is not None and self.access_key is None:
            raise ValueError("token belongs to access_key and secret_key, which are not given")
        if not _KEY.fullmatch(self.round_trip_key) or any(part in ("", ".", "..") for part in self.round_trip_key.split("/")):
            raise ValueError("round_trip_key: letters, digits, dots, hyphens, underscores, and slashes between them")
        return self

    @property
    def lists(self) -> bool:
        """Whether all objects are listed, not only one."""
        return not (self.newest is None and self.newest_size is None and self.count is None and self.size is None)
