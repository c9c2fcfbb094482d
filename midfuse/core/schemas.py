"""`docs/schemas`: what the commands answer, as JSON schemas; `python -m midfuse.core.schemas`."""

import json
from pathlib import Path

from pydantic import BaseModel

from midfuse.core import results

FOLDER = Path(__file__).parents[2] / "docs" / "schemas"


def schemas() -> dict[str, str]:
    """Every result with a `schema_version`: the file's name and its text."""
    models = [
        each
        for each in vars(results).values()
        if isinstance(each, type)
        and issubclass(each, BaseModel)
        and "schema_version" in each.model_fields
    ]
    return {
        f"{model.__name__}.json": json.dumps(
            model.model_json_schema(mode="serialization"), indent=2
        )
        + "\n"
        for model in models
    }


if __name__ == "__main__":
    FOLDER.mkdir(parents=True, exist_ok=True)
    for old in FOLDER.glob("*.json"):
        old.unlink()
    for name, text in schemas().items():
        (FOLDER / name).write_text(text, encoding="utf-8")
