"""What counts as a profile: a document that the JSON Resume schema v1.0.0 accepts.

`schema/jsonresume.json` is the file of the npm package `resume-schema` 1.0.0, unchanged (MIT licence beside
it). The schema closes the top level and leaves each section open, so fields of other tools survive a round
trip.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft4Validator, ValidationError

from drafting.errors import InvalidProfile

SCHEMA_PATH = Path(__file__).parent / "schema" / "jsonresume.json"
MAX_BYTES = 256 * 1024
_MAX_ERRORS_SHOWN = 20

Resume = dict[str, Any]


@cache
def _validator() -> Draft4Validator:
    schema = json.loads(SCHEMA_PATH.read_text(encoding="utf-8"))
    # Draft 4 knows no format `date`. The schema names it in one place (certificates) and lets a year or a
    # month stand for a date everywhere else.
    return Draft4Validator(schema, format_checker=Draft4Validator.FORMAT_CHECKER)


def why_not_storable(document: object) -> str:
    """Why a JSON value cannot be kept, in a sentence; empty when it can. No database keeps NUL characters or
    lone surrogates, both of which JSON may hold, and nobody's CV is larger than MAX_BYTES."""
    try:
        text = json.dumps(document, ensure_ascii=False)
        size = len(text.encode())
    except (UnicodeEncodeError, ValueError):
        return "The document holds text that is not valid Unicode; correct it."
    except RecursionError:
        return "The document is nested too deeply."
    if "\\u0000" in text.replace("\\\\", ""):
        return "The document holds NUL characters; remove them."
    return f"The document is larger than {MAX_BYTES // 1024} KiB; shorten it." if size > MAX_BYTES else ""


def check_resume(document: object) -> Resume:
    """The document itself when it is a JSON Resume; raises InvalidProfile naming every place that is not.

    Refuses what the schema lets through but cannot be kept, too.
    """
    if not isinstance(document, dict):
        raise _invalid([{"path": "", "message": "A JSON object is expected here."}])
    if obstacle := why_not_storable(document):
        raise _invalid([{"path": "", "message": obstacle}])
    errors = sorted(_validator().iter_errors(document), key=lambda error: [str(step) for step in error.path])
    if errors:
        raise _invalid([_described(error) for error in errors[:_MAX_ERRORS_SHOWN]])
    return document


def _invalid(errors: list[dict[str, str]]) -> InvalidProfile:
    return InvalidProfile(details={"errors": errors})


def _described(error: ValidationError) -> dict[str, str]:
    """Path and reason without the value: an error reply is no place for somebody's telephone number."""
    reasons = {
        "type": f"Expected {error.validator_value}.",
        "format": f"Not a valid {error.validator_value}.",
        "pattern": "Not a date: write YYYY, YYYY-MM or YYYY-MM-DD.",
        "additionalProperties": "Holds a section that JSON Resume does not know.",
    }
    message = reasons.get(str(error.validator), f"Breaks the rule '{error.validator}'.")
    return {"path": "/".join(str(step) for step in error.absolute_path), "message": message}
