"""XML bodies: read without entities or anything from elsewhere, and the text at a path below the root element.

A path is names of elements, separated by ``/``, each with a position in brackets where it is not the first (``Say[1]``), and at its end
``@`` with the name of an attribute: ``Gather/Say``, ``Gather@action``. Namespaces are left aside.
"""

import re
from dataclasses import dataclass
from xml.etree import ElementTree

from keepwell.kernel.quoting import quoted

_STEP = re.compile(r"([A-Za-z_][\w.-]*)(?:\[([0-9]{1,6})\])?")
_ATTRIBUTE = re.compile(r"[A-Za-z_][\w.-]*")
_LONGEST = 500


@dataclass(frozen=True, slots=True)
class XmlPlace:
    """Elements to go down to, each with its position among those of its name, and the attribute there (empty: the element's text)."""

    steps: tuple[tuple[str, int], ...]
    attribute: str


class _Builder(ElementTree.TreeBuilder):
    """Refuses a document type: entities of its own could make a small body large."""

    def doctype(self, name: str, public: str | None, system: str | None) -> None:
        raise ValueError("a document type is not read")


def parse_xml(body: bytes) -> ElementTree.Element:
    """The root element. Raises ValueError, in a few words, where the body is no XML, or states a document type."""
    parser = ElementTree.XMLParser(target=_Builder())
    try:
        parser.feed(body)
        root: ElementTree.Element = parser.close()
    except ElementTree.ParseError as error:
        raise ValueError(f"line {error.position[0]}") from None
    except (LookupError, RecursionError):  # an encoding that Python does not know
        raise ValueError("its encoding is unknown") from None
    return root


def parse_xml_path(path: str) -> XmlPlace:
    """A path of the form above. Raises ValueError with one sentence where it cannot be read."""
    elements, at, attribute = path.partition("@")
    names = [_STEP.fullmatch(step) for step in elements.split("/")] if elements else []
    if len(path) > _LONGEST or not path or (at and not _ATTRIBUTE.fullmatch(attribute)) or not all(names):
        raise ValueError(f"{quoted(path)} is not a path into XML: write names below the root, such as Say, Gather/Say or Gather@action")
    return XmlPlace(tuple((match[1], int(match[2] or 0)) for match in names if match), attribute)


def xml_value(root: ElementTree.Element, path: str) -> str | None:
    """The text of the element (its own and that of those in it, spaces made one), or of the attribute, at that path; None where
    nothing stands there."""
    place = parse_xml_path(path)
    element = root
    for name, position in place.steps:
        found = [child for child in element if isinstance(child.tag, str) and local_name(child.tag) == name]
        if position >= len(found):
            return None
        element = found[position]
    if place.attribute:
        return next((value for name, value in element.attrib.items() if local_name(name) == place.attribute), None)
    return " ".join("".join(element.itertext()).split())


def local_name(tag: str) -> str:
    """A name without its namespace."""
    return tag.rpartition("}")[2]
