"""What all results share."""

from typing import Any

from pydantic import BaseModel, ConfigDict


class Part(BaseModel):
    """A part of a result: read strictly, never changed."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Result(Part):
    """What a command answers; a reader refuses a `schema_version` that it does not know."""

    def to_json(self) -> dict[str, Any]:
        """The result in JSON's own types."""
        return self.model_dump(mode="json")


class Spread(Part):
    """One figure over all windows."""

    mean: float
    min: float
    max: float


class SeedSpread(Part):
    """Mean and sample standard deviation over seeds; no deviation of one seed."""

    mean: float
    deviation: float | None
