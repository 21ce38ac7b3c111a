"""Whether what an import makes of a receiver is valid here: asked of the drivers of receivers themselves."""

import json

from pydantic import ValidationError

from keepwell.config.options import Options
from keepwell.ports.offer import Drivers

from .receivers import Made, ProblemOf


def problems_by(drivers: Drivers) -> ProblemOf:
    """Asks these drivers."""

    def problem_of(kind: str, options: Made) -> str:
        from keepwell.rooms.alerts.delivery.options import SmtpOptions

        model: type[Options] = SmtpOptions if kind == "smtp" else drivers.load(kind).options
        try:
            model.model_validate_json(json.dumps(options))
        except ValidationError as error:
            return str(error.errors()[0]["msg"]).removeprefix("Value error, ")
        return ""

    return problem_of
