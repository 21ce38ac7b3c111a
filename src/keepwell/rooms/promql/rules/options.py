"""The section ``rule_files``."""

from typing import Any, ClassVar

from pydantic import GetJsonSchemaHandler, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError

from keepwell.config.options import Options


class RuleFilesOptions(Options):
    """Written as a list of text."""

    listed: ClassVar[str] = "A list of paths or patterns (`rules/*.yml`), relative to the operations directory."

    paths: tuple[str, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _of_list(cls, value: Any) -> Any:
        if isinstance(value, list) and all(isinstance(one, str) for one in value):
            return {"paths": tuple(value)}
        if value:
            raise PydanticCustomError("expected", "expected {expected}", {"expected": "a list of paths, such as [rules/*.yml]"})
        return value

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        handler(schema)
        return {"type": ["array", "null"], "items": {"type": "string"}}
