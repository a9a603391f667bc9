"""LinkedIn's data export (an archive of CSV files) as a review form, without a model.

Columns are LinkedIn's own, in English in every export. Some files begin with notes before the header.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from drafting.imports.archives import Archive
from drafting.imports.dates import read_date
from drafting.imports.errors import DocumentTooLarge, NotACv, NotALinkedInExport, UnreadableDocument
from drafting.imports.review import Review
from extraction.charsets import decoded
from extraction.visible.page import tidy

PROFILE = "Profile.csv"
MAX_ROWS = 500
_MAX_CELL = 20_000
_LINK = re.compile(r"https?://[^\s,\]]+")
_BULLET = re.compile(r"^\s*(?:[-*•▪●–]\s+)")


@dataclass(frozen=True, slots=True)
class _File:
    """`columns`: the column and where its words go; `dates`: the same for dates; `prose` goes to
    summary or highlights."""

    name: str
    section: str
    columns: Mapping[str, str]
    dates: Mapping[str, str]
    prose: str = ""
    summary: str = "summary"


_FILES = (
    _File(
        "Positions.csv", "work",
        {"Company Name": "name", "Title": "position", "Location": "location"},
        {"Started On": "startDate", "Finished On": "endDate"}, "Description",
    ),
    _File(
        "Education.csv", "education",
        {"School Name": "institution", "Degree Name": "studyType"},
        {"Start Date": "startDate", "End Date": "endDate"},
    ),
    _File(
        "Volunteering.csv", "volunteer",
        {"Company Name": "organization", "Role": "position"},
        {"Started On": "startDate", "Finished On": "endDate"}, "Description",
    ),
    _File(
        "Projects.csv", "projects", {"Title": "name", "Url": "url"},
        {"Started On": "startDate", "Finished On": "endDate"}, "Description", "description",
    ),
    _File(
        "Certifications.csv", "certificates",
        {"Name": "name", "Authority": "issuer", "Url": "url"}, {"Started On": "date"},
    ),
    _File("Honors.csv", "awards", {"Title": "title"}, {"Issued On": "date"}, "Description"),
    _File(
        "Publications.csv", "publications", {"Name": "name", "Publisher": "publisher", "Url": "url"},
        {"Published On": "releaseDate"}, "Description",
    ),
    _File("Skills.csv", "skills", {"Name": "name"}, {}),
    _File("Languages.csv", "languages", {"Name": "language", "Proficiency": "fluency"}, {}),
)  # fmt: skip
_HIGHLIGHTED = frozenset({"work", "volunteer", "projects"})


def read_linkedin(archive: Archive) -> Review:
    """Raises NotALinkedInExport, NotACv, UnreadableDocument or DocumentTooLarge."""
    read = _Export(archive)
    people = read.rows(PROFILE)
    if not people or not {"First Name", "Last Name"} & people[0].keys():
        raise NotALinkedInExport
    read.put_person(people[0])
    for file in _FILES:
        read.put_rows(file)
    if not {"work", "education", "volunteer", "projects", "skills"} & read.review.resume.keys():
        raise NotACv(details={"reason": "thin"})
    return read.review


class _Export:
    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        # Exports are packed with or without a folder.
        self._names = {name.rpartition("/")[2].casefold(): name for name in reversed(archive.names)}
        self.review = Review()

    def rows(self, name: str) -> list[dict[str, str]]:
        """The file's rows by column; none when the export has no such file. Raises UnreadableDocument and
        DocumentTooLarge."""
        stored = self._names.get(name.casefold())
        if stored is None:
            return []
        text = decoded(self._archive.read(stored)).lstrip("\ufeff")
        try:
            # In any system's line ends, one of which csv takes for a damaged cell.
            lines = list(csv.reader(io.StringIO(text, newline=None)))
        except csv.Error:
            raise UnreadableDocument(details={"reason": "damaged"}) from None
        start = next((number for number, line in enumerate(lines) if _is_header(line, lines[number:])), 0)
        header, *rows = lines[start:] or [[]]
        if len(rows) > MAX_ROWS:
            raise DocumentTooLarge(details={"limit_rows": MAX_ROWS})
        named = [
            dict(
                zip(
                    [title.strip() for title in header],
                    (tidy(cell[:_MAX_CELL]) for cell in row),
                    strict=False,
                )
            )
            for row in rows
        ]
        return [row for row in named if any(row.values())]

    def put_person(self, row: Mapping[str, str]) -> None:
        put = self._putter("basics", PROFILE)
        put("name", " ".join(filter(None, (row.get("First Name", ""), row.get("Last Name", "")))))
        put("label", row.get("Headline", ""))
        put("summary", " ".join(row.get("Summary", "").split()))
        put("location/address", row.get("Address", ""))
        put("location/postalCode", row.get("Zip Code", ""))
        put("location/city", row.get("Geo Location", ""))
        links = _LINK.findall(row.get("Websites", ""))
        put("url", links[0] if links else "")
        mails = self.rows("Email Addresses.csv")
        first = next((mail for mail in mails if mail.get("Primary") == "Yes"), mails[0] if mails else {})
        self._putter("basics", "Email Addresses.csv")("email", first.get("Email Address", ""))
        phones = self.rows("PhoneNumbers.csv") or self.rows("Phone Numbers.csv")
        self._putter("basics", "PhoneNumbers.csv")("phone", phones[0].get("Number", "") if phones else "")

    def put_rows(self, file: _File) -> None:
        number = 0
        for row in self.rows(file.name):
            at = f"{file.section}/{number}"
            put = self._putter(at, file.name)
            before = len(self.review.found)
            for column, member in file.columns.items():
                put(member, row.get(column, ""))
            if file.section == "education" and row.get("Notes"):
                put("area", row["Notes"])
            self._put_dates(at, file, row)
            if file.prose:
                self._put_prose(at, file, row.get(file.prose, ""))
            number += len(self.review.found) > before

    def _put_dates(self, at: str, file: _File, row: Mapping[str, str]) -> None:
        put = self._putter(at, file.name)
        read = {member: read_date(row.get(column, "")) for column, member in file.dates.items()}
        start, end = read.get("startDate"), read.get("endDate")
        is_reversed = bool(
            start and end and start.value and end.value and end.value < start.value[: len(end.value)]
        )
        for column, member in file.dates.items():
            words, date = row.get(column, ""), read[member]
            if is_reversed or (words and not date.value and not date.is_open):
                self.review.doubt(f"{at}/{member}", words, "end_before_start" if is_reversed else date.why)
            else:
                put(member, date.value, words)

    def _put_prose(self, at: str, file: _File, text: str) -> None:
        """Lines with bullets are highlights; the rest is the summary."""
        lines = [line for line in text.split("\n") if line.strip()]
        bullets = sum(bool(_BULLET.match(line)) for line in lines)
        has_list = file.section in _HIGHLIGHTED and (bullets > 1 or bullets == len(lines))
        items = [line for line in lines if has_list and _BULLET.match(line)]
        put = self._putter(at, file.name)
        put(file.summary, " ".join(line.strip() for line in lines if line not in items))
        for index, line in enumerate(items):
            put(f"highlights/{index}", _BULLET.sub("", line).strip())

    def _putter(self, at: str, name: str) -> Callable[..., None]:
        def put(member: str, value: str, words: str = "") -> None:
            if value:
                self.review.put(f"{at}/{member}", value, f"{name}: {words or value}")

        return put


def _is_header(line: list[str], rest: list[list[str]]) -> bool:
    """Notes before the header are text of one cell; the header is as wide as the rows below it."""
    titles = list(_titles(line))
    if not titles:
        return False
    return len(rest) < 2 or (len(line) == len(rest[1]) and all(len(title) < 40 for title in titles))


def _titles(line: list[str]) -> Iterator[str]:
    yield from (title.strip() for title in line if title.strip())
