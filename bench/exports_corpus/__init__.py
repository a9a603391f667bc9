"""A made-up profile for each script that the fonts draw, and a letter made of it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from drafting.models import Draft, Kind

_HERE = Path(__file__).parent
MADE_AT = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def scripts() -> list[str]:
    """The names of the profiles; each is called for its script."""
    return sorted(path.stem for path in _HERE.glob("*.json"))


def profile(script: str) -> dict[str, Any]:
    read: dict[str, Any] = json.loads((_HERE / f"{script}.json").read_text(encoding="utf-8"))
    return read


def cv(resume: dict[str, Any], language: str = "en") -> Draft:
    return Draft(
        kind=Kind.CV,
        version=1,
        title="Planner",
        hiring_organization="Northwind Freight",
        content=resume,
        parameters={"language": language},
        created_at=MADE_AT,
    )


def letter(resume: dict[str, Any], language: str = "en") -> Draft:
    """A letter whose words are the profile's own."""
    basics = resume["basics"]
    content = {
        "language": language,
        "sender": {"name": basics["name"], "lines": [basics["email"], basics["phone"], basics["url"]]},
        "date_text": "21 November 2026",
        "recipient": [resume["work"][0]["name"], resume["work"][0]["location"]],
        "subject": basics["label"],
        "salutation": "Dear Sir or Madam,",
        "opening": basics["summary"],
        "body": [
            {"text": job["summary"], "points": job["highlights"], "sources": []} for job in resume["work"]
        ],
        "closing": resume["references"][0]["reference"],
        "sign_off": "Yours faithfully,",
        "signature": basics["name"],
    }
    draft = cv(resume, language)
    draft.kind, draft.content = Kind.COVER_LETTER, content
    return draft
