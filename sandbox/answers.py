"""What the sandbox answers: quotations from the prompt, in the form that was asked for.

Pure functions of the question. Different prompts give different answers, the same prompt the same one, and a
reply to a schema always fits the schema. A value that the prompt does not give is null where it may be; where
it may not, it is a sentence of the prompt, or the smallest value the schema allows.
"""

import json
from functools import lru_cache

from sandbox.drafts import draft_text
from sandbox.filling import Filler
from sandbox.imports import import_text
from sandbox.reading import Reading, document
from sandbox.wire import Json, WireRequest

MARK = "[sandbox]"


def answer_text(asked: WireRequest, *, lies: bool = False) -> str:
    """The reply's text: JSON when a schema was asked for, the same with words around it when the schema
    stands in the prompt, else marked prose. `lies`: what it drafts of people is not true."""
    prompt, told_schema = _told_schema(asked.prompt)
    captions = [picture.caption for picture in asked.pictures if picture.caption]
    if asked.pictures and not captions:
        # Not the prompt: without eyes, what it says about the picture would be the instructions read back.
        subject = "\n".join(
            f"{MARK} {picture.format} picture of {picture.width} x {picture.height} pixels, {picture.digest}"
            for picture in asked.pictures
        )
    else:
        subject = "\n\n".join(captions) or document(prompt)
    if asked.schema is not None:
        return _filled(subject, prompt, json.dumps(asked.schema, sort_keys=True), lies)
    if told_schema is not None:
        filled = _filled(subject, prompt, json.dumps(told_schema, sort_keys=True), lies)
        return f"{MARK} Here is what you asked for:\n\n```json\n{filled}\n```\n\nAnything else?"
    return _prose(subject)


def _told_schema(prompt: str) -> tuple[str, Json | None]:
    """The prompt without its last paragraph when that ends in a line that is the JSON schema of an object,
    and the schema."""
    before, _, paragraph = prompt.rpartition("\n\n")
    line = paragraph.rpartition("\n")[2]
    if not line.startswith("{"):
        return prompt, None
    try:
        schema = json.loads(line)
    except ValueError:
        return prompt, None
    is_schema = schema.get("type") == "object" and isinstance(schema.get("properties"), dict)
    return (before, schema) if is_schema else (prompt, None)


def _prose(subject: str) -> str:
    reading = Reading(subject)
    said = reading.sentences[:3] or reading.lines[:3]
    parts = [reading.title or "", *said] if said[:1] != [reading.title] else said
    text = " ".join(filter(None, parts))[:1000]
    return text if text.startswith(MARK) else f"{MARK} {text}".strip()


# Load runs ask the same thing thousands of times.
@lru_cache(maxsize=256)
def _filled(subject: str, prompt: str, schema: str, lies: bool) -> str:  # noqa: FBT001
    if (draft := draft_text(json.loads(schema), prompt, lies=lies)) is not None:
        return draft
    if (read := import_text(json.loads(schema), prompt, lies=lies)) is not None:
        return read
    return json.dumps(Filler(json.loads(schema), subject=subject, prompt=prompt).fill(), ensure_ascii=False)
