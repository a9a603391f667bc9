"""What the sandbox reads in a CV: by headings, dates and commas, as far as such rules go.

Asked for `lies` it adds an employer, a degree and skills that nobody has, and mixes up the dates of the jobs.
"""

import json
import re
from itertools import pairwise

from sandbox.reading import document
from sandbox.wire import Json

_HEADINGS = {
    "work": "work experience|experience|berufserfahrung|expérience professionnelle|experiencia laboral"
    "|experiência profissional|uzoefu wa kazi|опыт работы|επαγγελματική εμπειρία",
    "education": "education|ausbildung|formation|formación|formación académica|formação académica|elimu"
    "|образование|εκπαίδευση",
    "skills": "skills|kenntnisse|compétences|habilidades|competências|ujuzi|навыки|δεξιότητες",
    "languages": "languages|sprachen|langues|idiomas|línguas|lugha|языки|γλώσσες",
    "certificates": "certifications|certificates|zertifikate|certificaciones",
    "projects": "projects|projekte|projets|projetos|proyectos",
    "summary": "profile|summary|kurzprofil|profil|perfil|muhtasari|о себе|προφίλ",  # noqa: RUF001
}
_SECTION = {word: section for section, words in _HEADINGS.items() for word in words.split("|")}
_DATE = r"(?:[^\W\d_]+\.?\s)?(?:\d{1,2}[./])?(?:19|20)\d\d(?:-\d\d)?"
_PERIOD = re.compile(rf"\(?(?P<start>{_DATE})\s*[-\u2013]\s*(?P<end>{_DATE}|[^\W\d_][^,|()\n]{{2,20}})\)?")
_ONE_DATE = re.compile(_DATE)
_BULLET = re.compile(r"^[•*-]\s*")
_SPOKEN = re.compile(r"(?P<language>[^,(]+?)\s*\((?P<fluency>[^)]+)\)")
_FIELDS = frozenset({"label", "city", "summary", "work", "education", "skills", "languages", "certificates"})


def import_text(schema: Json, prompt: str, *, lies: bool) -> str | None:
    """The reply to the form of an import as JSON; None when the schema is another's."""
    if not schema.get("properties", {}).keys() >= _FIELDS:
        return None
    read = _read(document(prompt))
    return json.dumps(_lied(read) if lies else read, ensure_ascii=False)


def _read(text: str) -> Json:
    sections = _sections(text)
    return {
        "label": _headline(text),
        "summary": " ".join(sections.get("summary", [])) or None,
        "work": [_named(one, "position", "name") for one in _dated(sections.get("work", []))],
        "education": [
            _named(one, "studyType", "institution") for one in _dated(sections.get("education", []))
        ],
        "skills": [{"name": name} for name in _listed(sections.get("skills", []))],
        "languages": [
            {"language": match["language"].strip(), "fluency": match["fluency"]}
            for match in _SPOKEN.finditer("\n".join(sections.get("languages", [])).replace("\n", ", "))
        ],
        "certificates": [_certificate(line) for line in sections.get("certificates", [])],
        "projects": _projects(sections.get("projects", [])),
    }


def _sections(text: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    current: list[str] = []
    for line in text.split("\n"):
        section = _SECTION.get(line.strip("# ").casefold())
        if section:
            current = found.setdefault(section, [])
        elif line.strip():
            current.append(line.strip())
    return found


def _headline(text: str) -> str | None:
    """The line below the name."""
    lines = [line.strip() for line in text.split("\n") if line.strip()]
    for above, line in pairwise(lines):
        if above.startswith("APPLICANTNAME"):
            return line if "APPLICANT" not in line else None
    return None


def _dated(lines: list[str]) -> list[Json]:
    """Entries: lines with a period, the words beside it, and the bullets below."""
    entries: list[Json] = []
    waiting: list[str] = []
    for line in lines:
        if _BULLET.match(line):
            if entries and not waiting:
                entries[-1]["highlights"].append(_BULLET.sub("", line))
            continue
        match = _PERIOD.search(line)
        if not match:
            waiting.append(line)
            continue
        beside = line.replace(match.group(), "").strip(" |,\t()\u2013")
        words = [*waiting, *([beside] if beside else [])]
        entries.append(
            {"words": words, "startDate": match["start"], "endDate": match["end"], "highlights": []}
        )
        waiting = []
    return entries


def _named(entry: Json, first: str, second: str) -> Json:
    words = [part.strip() for line in entry.pop("words") for part in re.split(r",\s|\s[|\u2013]\s", line)]
    named = {first: words[0] if words else None, second: words[-1] if len(words) > 1 else None}
    if first == "studyType":
        named["area"] = words[1] if len(words) > 2 else None
        entry.pop("highlights")
    return named | entry


def _listed(lines: list[str]) -> list[str]:
    return [part.strip() for line in lines for part in re.split(r"[,;•]", line) if part.strip()]


def _certificate(line: str) -> Json:
    date = _ONE_DATE.search(line)
    name, _, rest = line.partition(",")
    issuer = rest.replace(date.group(), "").strip(" ,") if date else rest.strip()
    return {"name": name, "issuer": issuer or None, "date": date.group() if date else None}


def _projects(lines: list[str]) -> list[Json]:
    return [{"name": name, "description": text} for name, text in zip(lines[::2], lines[1::2], strict=False)]


def _lied(read: Json) -> Json:
    jobs = read["work"]
    periods = [(job["startDate"], job["endDate"]) for job in jobs]
    for job, (start, end) in zip(jobs, periods[1:] + periods[:1], strict=True):
        job |= {"startDate": start, "endDate": end, "position": f"Head of {job['position']}"}
        job["highlights"] = [f"{line} for google" for line in job["highlights"]] + ["Led forty people"]
    jobs.insert(0, {"name": "Google", "position": "Director", "startDate": "2003", "endDate": "2009"})
    read["education"].append({"institution": "Harvard University", "studyType": "PhD", "area": "Law"})
    read["skills"] += [{"name": "COBOL"}, {"name": "Brain surgery"}]
    return read | {"summary": "A born leader with thirty years at Google."}
