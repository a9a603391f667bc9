"""A data export as LinkedIn packs it."""

from __future__ import annotations

import csv
import io
import zipfile
from datetime import date
from typing import Any


def linkedin(resume: dict[str, Any]) -> bytes:
    basics = resume["basics"]
    first, _, last = basics["name"].partition(" ")
    place = basics["location"]
    files = {
        "Profile.csv": [
            ["First Name", "Last Name", "Address", "Birth Date", "Headline", "Summary", "Zip Code",
             "Geo Location", "Websites"],
            [first, last, place["address"], "May 12, 1987", basics["label"], basics["summary"],
             place["postalCode"], place["city"], ""],
        ],
        "Email Addresses.csv": [
            ["Email Address", "Confirmed", "Primary", "Updated On"],
            ["old@mail.example", "Yes", "No", ""], [basics["email"], "Yes", "Yes", ""],
        ],
        "PhoneNumbers.csv": [["Extension", "Number", "Type"], ["", basics["phone"], "Mobile"]],
        "Positions.csv": [
            ["Company Name", "Title", "Description", "Location", "Started On", "Finished On"],
            *map(_position, resume["work"]),
        ],
        "Education.csv": [
            ["School Name", "Start Date", "End Date", "Notes", "Degree Name", "Activities"],
            *map(_school, resume["education"]),
        ],
        "Skills.csv": [["Name"], *([one["name"]] for one in resume["skills"])],
        "Languages.csv": [
            ["Name", "Proficiency"], *([one["language"], one["fluency"]] for one in resume["languages"]),
        ],
        "Certifications.csv": [
            ["Name", "Url", "Authority", "Started On", "Finished On", "License Number"],
            *map(_certificate, resume["certificates"]),
        ],
        "Projects.csv": [
            ["Title", "Description", "Url", "Started On", "Finished On"],
            *([one["name"], one["description"], "", "", ""] for one in resume["projects"]),
        ],
    }  # fmt: skip
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, rows in files.items():
            text = io.StringIO()
            csv.writer(text).writerows(rows)
            archive.writestr(f"Basic_LinkedInDataExport/{name}", text.getvalue())
    return buffer.getvalue()


def _position(job: dict[str, Any]) -> list[str]:
    lines = "\n".join(f"- {line}" for line in job["highlights"])
    dates = [_month(job["startDate"]), _month(job.get("endDate", ""))]
    return [job["name"], job["position"], lines, "", *dates]


def _school(one: dict[str, Any]) -> list[str]:
    return [one["institution"], one["startDate"][:4], one["endDate"][:4], one["area"], one["studyType"], ""]


def _certificate(one: dict[str, Any]) -> list[str]:
    return [one["name"], "", one["issuer"], _month(one["date"]), "", ""]


def _month(written: str) -> str:
    return date.fromisoformat(f"{written}-01").strftime("%b %Y") if written else ""
