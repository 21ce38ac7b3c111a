"""Who manages a unit that no entry of ``services`` names."""

from .managers.systemd import DRIVER
from .services import Service


def systemd_of(unit: str) -> Service:
    """Systemd's own unit of that name."""
    return Service(unit, "systemd", DRIVER, DRIVER.options(), unit)
