"""What stands in a CV and in which order, before it is set as PDF or DOCX."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

# one_line: "Title, Firm (dates)"; stacked: title, then firm and dates; dates_left: dates in a column of their
# own; firm_first: the firm, then the title with its dates; sidebar: skills and languages in a column.
LAYOUTS = ("one_line", "stacked", "dates_left", "firm_first", "sidebar")


@dataclass(slots=True)
class Entry:
    """`left` is what stands in the column of dates."""

    lines: list[str]
    bullets: list[str] = field(default_factory=list)
    left: str = ""


@dataclass(slots=True)
class Blocks:
    """`side` are the sections that a layout with two columns sets beside the others."""

    title: str
    name: str
    header: list[str]
    sections: list[tuple[str, list[Entry]]]
    side: list[tuple[str, list[Entry]]] = field(default_factory=list)

    def text(self) -> str:
        """As Markdown."""
        rows = [f"# {self.title}", "", f"## {self.name}", *self.header]
        for heading, entries in [*self.sections, *self.side]:
            rows += ["", f"## {heading}"]
            for entry in entries:
                rows += ["", *entry.lines, *(f"- {bullet}" for bullet in entry.bullets)]
        return "\n".join(rows)


def blocks_of(person: dict[str, Any], answer: dict[str, Any], layout: str) -> Blocks:
    basics, headings = person["resume"]["basics"], person["headings"]
    place = basics.get("location", {})
    header = [
        basics["label"],
        " | ".join(
            [basics["email"], basics["phone"], *(one["url"][8:] for one in basics.get("profiles", []))]
        ),
        *([f"{place['address']}, {place['postalCode']} {place['city']}"] if place else []),
        *([person["private"]] if "private" in person else []),
    ]
    main, side = [], []
    if summary := answer["summary"]:
        main.append((headings["summary"], [Entry([summary])]))
    for section in ("work", "education", "certificates", "projects"):
        if section in answer:
            main.append((headings[section], [_entry(section, one, layout) for one in answer[section]]))
    skills = ", ".join(one["name"] for one in answer["skills"])
    side.append((headings["skills"], [Entry([skills])]))
    spoken = [f"{one['language']} ({one['fluency']})" for one in answer["languages"]]
    side.append((headings["languages"], [Entry([line]) for line in spoken] if layout != "one_line"
                 else [Entry([", ".join(spoken)])]))  # fmt: skip
    if "references" in person:
        main.append((person["references"][0], [Entry(person["references"][1:])]))
    if layout == "sidebar":
        return Blocks(person["title"], basics["name"], header, main, side)
    return Blocks(person["title"], basics["name"], header, side[:1] + main[:-1] + side[1:] + main[-1:])


def _entry(section: str, one: dict[str, Any], layout: str) -> Entry:
    dates = " – ".join(one[name] for name in ("startDate", "endDate", "date") if one.get(name))
    if section == "education":
        first, second = f"{one['studyType']}, {one['area']}", one["institution"]
    elif section == "work":
        first, second = one["position"], one["name"]
    elif section == "certificates":
        return Entry([f"{one['name']}, {one['issuer']}, {dates}"])
    else:
        return Entry([one["name"], one["description"]])
    bullets = one.get("highlights", [])
    lines = {
        "one_line": [f"{first}, {second} ({dates})"],
        "stacked": [first, f"{second} | {dates}"],
        "dates_left": [first, second],
        "firm_first": [second, f"{first}\t{dates}"],
        "sidebar": [f"{first} – {second}", dates],
    }[layout]
    return Entry(lines, bullets, dates if layout == "dates_left" else "")
