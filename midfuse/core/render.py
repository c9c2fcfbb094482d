"""Templates to text: pages and C that go beside an image."""

from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined


def render(template: Path, values: dict[str, Any]) -> str:
    """Fill in a template; HTML and SVG are escaped, as names in them come from models.

    A template may include others of its folder.
    """
    environment = Environment(
        loader=FileSystemLoader(template.parent),
        autoescape=lambda name: str(name).endswith((".html.j2", ".svg.j2")),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template(template.name).render(values)
