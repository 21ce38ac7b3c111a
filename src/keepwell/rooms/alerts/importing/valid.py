"""Whether what an import makes of a receiver is valid here: asked of the drivers of receivers themselves."""

import json

from pydantic import ValidationError

from keepwell.config.options import Options
from keepwell.ports.offer import Drivers

from .receivers import Made, ProblemOf

_OWN_WORDS = "Value error, "


def problems_by(drivers: Drivers) -> ProblemOf:
    """Asks these drivers."""

    def problem_of(kind: str, options: Made) -> str:
        from keepwell.rooms.alerts.delivery.options import SmtpOptions

        model: type[Options] = SmtpOptions if kind == "smtp" else drivers.load(kind).options
        try:
            model.model_validate_json(json.dumps(options))
        except ValidationError as error:
            # Of the branches of a choice the one that says most in words.
            said = sorted((str(one["msg"]) for one in error.errors()), key=lambda text: not text.startswith(_OWN_WORDS))
            return said[0].removeprefix(_OWN_WORDS)
        return ""

    return problem_of
