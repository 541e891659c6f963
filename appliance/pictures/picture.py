"""A stored picture, and its description in JSON, which is declared once for commands, events and documents."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from appliance.facts import INTEGER, TEXT, TIME, Fact, nullable


@dataclass(frozen=True, slots=True)
class Picture:
    """One stored picture. `number` is its id; `size` is in bytes, `width` and `height` in pixels (None if damaged)."""

    number: int
    name: str
    taken_at: datetime
    size: int
    width: int | None
    height: int | None

    def as_json(self) -> dict[str, Any]:
        """Return the picture as commands report it."""
        return {field.path: field.read(self) for field in FIELDS}


FIELDS: tuple[Fact, ...] = (
    Fact("id", INTEGER, "The number of the picture, which is never reused.", lambda picture: picture.number),
    Fact("name", TEXT, "The name of its file.", lambda picture: picture.name),
    Fact("taken_at", TIME, "When it was taken, with the time zone.", lambda picture: picture.taken_at.isoformat()),
    Fact("bytes", INTEGER, "The size of its file in bytes.", lambda picture: picture.size),
    Fact("width", nullable(INTEGER), "Width in pixels; null if it is damaged.", lambda picture: picture.width),
    Fact("height", nullable(INTEGER), "Height in pixels; null if it is damaged.", lambda picture: picture.height),
    Fact("url", TEXT, "The path of the picture.", lambda picture: f"/api/pictures/{picture.number}.jpg"),
    Fact(
        "thumbnail",
        TEXT,
        "The path of a small copy.",
        lambda picture: f"/api/pictures/{picture.number}/thumbnail.jpg",
    ),
)
