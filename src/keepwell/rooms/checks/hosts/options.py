"""The options of the kind ``host`` and the limits that are usual where none are given."""

import re
from typing import Literal, Self

from pydantic import model_validator

from keepwell.config.options import Options
from keepwell.kernel.comparisons import parse_comparison
from keepwell.rooms.checks.limits import BytesLimits, NumberLimits, RatioLimit, RatioLimits, SecondsLimits, WarnsBeforeItFails
from keepwell.rooms.checks.texts import show

FULL = (parse_comparison("> 80%"), parse_comparison("> 90%"))
SWAPPED = (parse_comparison("> 50%"), parse_comparison("> 80%"))
LOADED = (parse_comparison("> 1.5"), parse_comparison("> 3"))
FULL_IN = (parse_comparison("< 7d"), parse_comparison("< 2d"))
ERRORS = (parse_comparison("> 0.1"), parse_comparison("> 10"))
DROPS = (parse_comparison("> 10"), parse_comparison("> 100"))
WAIT = (parse_comparison("> 100ms"), parse_comparison("> 1s"))
ZOMBIES = (parse_comparison("> 5"), parse_comparison("> 50"))
OFFSET = (parse_comparison("> 100ms"), parse_comparison("> 1s"))
JUST_STARTED = parse_comparison("< 10m")
PRESSED = {
    "cpu": (parse_comparison("> 60%"), parse_comparison("> 90%")),
    "memory": (parse_comparison("> 10%"), parse_comparison("> 30%")),
    "io": (parse_comparison("> 40%"), parse_comparison("> 80%")),
}
_OF_MOUNTS = ("warn", "fail", "free", "inodes")
_OF_MOUNT = ("growth", "full_in")
_INTERFACE = re.compile(r"[^\s/]{1,15}")
_DEVICE = re.compile(r"[A-Za-z0-9_!.-]{1,32}")


class NetworkOptions(Options):
    """What goes through the network interfaces since the check's last look. The busiest and the worst of them are told."""

    interfaces: tuple[str, ...] = ()
    """The interfaces to look at, for example ``[eth0]``: each must exist and its link must be up. Without it: all that there are, but
    for loopback and the ``veth`` ends of containers, whatever their links."""
    receive: BytesLimits | None = None
    """Limits on bytes received per second by one interface. No limit is usual."""
    send: BytesLimits | None = None
    """Limits on bytes sent per second by one interface. No limit is usual."""
    errors: NumberLimits = NumberLimits()
    """Limits on errors per second of one interface, both ways. Without warn and fail: ``> 0.1`` and ``> 10``."""
    drops: NumberLimits = NumberLimits()
    """Limits on dropped packets per second of one interface, both ways. Without warn and fail: ``> 10`` and ``> 100``."""

    @model_validator(mode="after")
    def _names_interfaces(self) -> Self:
        for name in self.interfaces:
            if not _INTERFACE.fullmatch(name) or name in (".", ".."):
                raise ValueError(f"{show(name)} is no network interface: write a name as in /proc/net/dev, such as eth0")
        return self


class DiskIoOptions(Options):
    """How disks do their work since the check's last look. The slowest and the busiest of them are told."""

    devices: tuple[str, ...] = ()
    """The devices to look at as /proc/diskstats names them, for example ``[sda, nvme0n1]``; each must exist. Without it: all but loop
    devices, memory disks, floppies and optical drives."""
    wait: SecondsLimits = SecondsLimits()
    """Limits on how long one read or write takes on average, waiting included (``await`` of iostat). Without warn and fail:
    ``> 100ms`` and ``> 1s``."""
    busy: RatioLimits | None = None
    """Limits on the share of time in which the device had work (``%util`` of iostat). No limit is usual: a device that does several
    things at a time is not full at 100 %."""

    @model_validator(mode="after")
    def _names_devices(self) -> Self:
        for name in self.devices:
            if not _DEVICE.fullmatch(name):
                raise ValueError(f"{show(name)} is no device: write a name as in /proc/diskstats, such as sda (without /dev/)")
        return self


class PressureOptions(Options):
    """Limits on the share of the last minute in which something waited (``some avg60`` of /proc/pressure, Linux 4.20)."""

    cpu: RatioLimits | None = None
    """Waiting for a processor; ``{}`` stands for ``{warn: "> 60%", fail: "> 90%"}``."""
    memory: RatioLimits | None = None
    """Waiting for memory; ``{}`` stands for ``{warn: "> 10%", fail: "> 30%"}``."""
    io: RatioLimits | None = None
    """Waiting for disks; ``{}`` stands for ``{warn: "> 40%", fail: "> 80%"}``."""

    @model_validator(mode="after")
    def _asks_something(self) -> Self:
        if self.cpu is None and self.memory is None and self.io is None:
            raise ValueError("give at least one of cpu, memory and io, for example {memory: {}}")
        return self


class HostOptions(WarnsBeforeItFails):
    """What to look at on a host; at least one thing."""

    mount: str | None = None
    """A path on the file system to look at, usually its mount point. Its use is what ``df`` prints: used / (used + available)."""
    mounts: Literal["all"] | tuple[str, ...] | None = None
    """Several such paths in one look, or ``all`` for every local file system on a disk. warn, fail, free and inodes hold for each."""
    warn: RatioLimit | None = None
    """The file system is ``warn`` where its use compares so. Without warn, fail and free: ``> 80%``."""
    fail: RatioLimit | None = None
    """The file system is ``fail`` where its use compares so. Without warn, fail and free: ``> 90%``."""
    free: BytesLimits | None = None
    """Limits on the bytes that the file system still has for ordinary users, for example ``{warn: "< 20GB", fail: "< 5GB"}``."""
    inodes: RatioLimits | None = None
    """Limits on the share of used inodes of the file system; ``{}`` stands for ``{warn: "> 80%", fail: "> 90%"}``."""
    growth: BytesLimits | None = None
    """Limits on how much the mount grows per day, for example ``{warn: "> 5GB"}``. It is what the same check saw since at least an hour
    and at most a day. Until then, in a single look, and where looks are more than 15 minutes apart, it is not known, which is said and
    changes no state."""
    full_in: SecondsLimits | None = None
    """Limits on the time until the mount is full if it goes on growing so; ``{}`` stands for ``{warn: "< 7d", fail: "< 2d"}``."""
    memory: RatioLimits | None = None
    """Limits on used memory: 1 - MemAvailable / MemTotal; ``{}`` stands for ``{warn: "> 80%", fail: "> 90%"}``."""
    swap: RatioLimits | None = None
    """Limits on used swap space; ``{}`` stands for ``{warn: "> 50%", fail: "> 80%"}``. A host without swap is ``ok``."""
    cpu: RatioLimits | None = None
    """Limits on the share of time in which all processors together were busy since the check's last look (waiting for disks is not
    busy); ``{}`` stands for ``{warn: "> 80%", fail: "> 90%"}``."""
    load: NumberLimits | None = None
    """Limits on the load average of five minutes divided by the number of processors (1 means: as much work as processors);
    ``{}`` stands for ``{warn: "> 1.5", fail: "> 3"}``."""
    load_average: NumberLimits | None = None
    """Limits on the load average of five minutes as it is, not divided. No limit is usual."""
    network: NetworkOptions | None = None
    """What goes through the network interfaces, their errors and links; ``{}`` judges errors and drops."""
    disk_io: DiskIoOptions | None = None
    """How long disks take for a read or write, and how busy they are; ``{}`` judges how long they take."""
    pressure: PressureOptions | None = None
    """How much of the time something waited for processors, memory or disks."""
    descriptors: RatioLimits | None = None
    """Limits on open files of the whole host as a share of fs.file-max; ``{}`` stands for ``{warn: "> 80%", fail: "> 90%"}``."""
    processes: NumberLimits | None = None
    """Limits on how many processes there are. No limit is usual."""
    zombies: NumberLimits | None = None
    """Limits on defunct processes, which ended and whose parents did not notice; ``{}`` stands for ``{warn: "> 5", fail: "> 50"}``."""
    clock: SecondsLimits | None = None
    """Limits on how far the host's clock is from its time source, as chronyc, ntpq or timedatectl says; ``{}`` stands for
    ``{warn: "> 100ms", fail: "> 1s"}``. A clock that follows no source is ``warn``; Keepwell itself asks no time server."""
    reboot: Literal["warn", "fail"] | None = None
    """The state where a reboot is pending: /run/reboot-required is there, or a newer kernel than the running one is installed in /boot."""
    uptime: SecondsLimits | None = None
    """Limits on the time since the host started; ``{}`` stands for ``{warn: "< 10m"}``."""

    @model_validator(mode="after")
    def _asks_something(self) -> Self:
        asked = [name for name in type(self).model_fields if name not in (*_OF_MOUNTS, *_OF_MOUNT)]
        for name in _OF_MOUNTS:
            if self.mount is None and not self.mounts and getattr(self, name) is not None:
                raise ValueError(f"{name} belongs to mount, which is not given (memory, swap, cpu and load hold their own warn and fail)")
        if self.mount is None and (self.growth is not None or self.full_in is not None):
            raise ValueError("growth and full_in belong to mount: the growth of one file system is watched by a check of its own")
        if not any(getattr(self, name) for name in asked):
            raise ValueError(f"nothing to look at: give at least one of {', '.join(asked)}")
        if self.mount is not None and self.mounts is not None:
            raise ValueError("give one of mount and mounts, not both")
        for path in (self.mount, *(self.mounts if isinstance(self.mounts, tuple) else ())):
            if path is not None and not path.startswith("/"):
                raise ValueError(f"mount is a path that starts with /, not {show(path)}")
        return self
