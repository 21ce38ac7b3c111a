"""What scraping shows over HTTP: where its targets stand."""

from typing import Any

from keepwell.ports.offer import Route
from keepwell.rooms.samples.offer import READ

from .listing import listing
from .work import Scraping


def routes(scraping: Scraping) -> tuple[Route, ...]:
    """``GET /api/v1/samples/targets``."""

    async def targets() -> dict[str, Any]:
        return listing(scraping)

    return (Route("GET", "/api/v1/samples/targets", READ, targets, "Where every scraped target stands, the worst first"),)
