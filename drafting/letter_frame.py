"""The parts of a letter that must be exact, and are therefore written by code: all but its body."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from django.utils import dateformat, translation

from drafting.facts import FactSheet
from drafting.language import Language
from drafting.options import DraftOptions
from extraction.schema import JobData


@dataclass(frozen=True, slots=True)
class LetterFrame:
    """The sentences code writes, in the letter's language and tone."""

    language: Language
    subject: str
    salutation: str
    opening: str
    facts_lead: str
    closing: str
    sign_off: str

    @classmethod
    def of(cls, facts: FactSheet, job: JobData, options: DraftOptions, language: Language) -> LetterFrame:
        title, company = one_line(job.title), one_line(job.hiring_organization)
        named = "both" if title and company else "title" if title else "company"
        phrases, tone = language.letter, options.tone.value
        salutation = phrases["salutation"][tone]
        if "{company}" in salutation and not company:
            salutation = phrases["salutation"]["nameless"]

        def filled(phrase: str) -> str:
            # Not str.format: a title may hold braces.
            parts = phrase.replace("{title}", "\0title\0").replace("{company}", "\0company\0").split("\0")
            return "".join({"title": title, "company": company}.get(part, part) for part in parts)

        return cls(
            language=language,
            subject=filled(phrases["subject"][named]),
            salutation=filled(salutation),
            opening=filled(phrases["opening"][tone][named]),
            facts_lead=phrases["facts_lead"],
            closing=phrases["closing"][tone],
            sign_off=phrases["sign_off"][tone],
        )

    def content(self, facts: FactSheet, job: JobData, today: date) -> dict[str, Any]:
        with translation.override(self.language.code):
            written_date = dateformat.format(today, self.language.letter["date"])
        recipient = [one_line(job.hiring_organization), one_line(job.job_location)]
        return {
            "language": self.language.code,
            "title": one_line(job.title),
            "company": one_line(job.hiring_organization),
            "sender": _sender(facts),
            "date": today.isoformat(),
            "date_text": written_date,
            "recipient": [line for line in recipient if line],
            "subject": self.subject,
            "salutation": self.salutation,
            "opening": self.opening,
            "closing": self.closing,
            "sign_off": self.sign_off,
            "signature": facts.name,
        }


def one_line(text: str | None) -> str:
    return " ".join((text or "").split())


def letter_text(content: dict[str, Any]) -> str:
    """The letter as plain text, from its content."""
    sender = content["sender"]
    body = [
        "\n".join([block["text"], *(f"- {point}" for point in block["points"])]) for block in content["body"]
    ]
    parts = [
        "\n".join([sender["name"], *sender["lines"]]),
        content["date_text"],
        "\n".join(content["recipient"]),
        content["subject"],
        content["salutation"],
        content["opening"],
        *body,
        content["closing"],
        f"{content['sign_off']}\n{content['signature']}",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _sender(facts: FactSheet) -> dict[str, Any]:
    basics = facts.resume.get("basics", {})
    place = basics.get("location", {})
    town = " ".join(one_line(place.get(key)) for key in ("postalCode", "city") if place.get(key))
    lines = [
        *(one_line(line) for line in str(place.get("address", "")).splitlines()),
        ", ".join(part for part in (town, one_line(place.get("region"))) if part),
        *(one_line(basics.get(key)) for key in ("email", "phone", "url")),
    ]
    return {"name": facts.name, "lines": [line for line in lines if line]}
