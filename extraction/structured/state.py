"""The job in the JSON that single-page boards and applicant-tracking systems put into their pages for their
own scripts, renamed to schema.org's terms."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from typing import Any

import lxml.html

from extraction.structured.items import MAX_SCRIPTS, Node, nodes_of
from extraction.structured.jsontext import read_json
from extraction.values.employment import known_employment_types

# schema.org's property → names that systems use for it, without separators, in small letters.
_NAMES = {
    "title": "titulo|titre|titel|stellentitel|intitule|intituleposte|titolo|title|jobtitle|"
    "positiontitle|postingtitle|jobname|positionname|name|text|headline",
    "description": "descricao|descripcion|beschreibung|stellenbeschreibung|descriptionposte|descrizione|"
    "opis|omschrijving|description|jobdescription|descriptionhtml|descriptionbody|htmldescription|content|body|"
    "descriptionplain|externaldescription|jobad|fulldescription|descriptiontext|details|jobdetails|contents|jobdesc|desc|jobcontent|positiondescription|vacancydescription|advertbody",
    "jobLocation": "area|location|locations|joblocation|joblocations|locationname|city|office|offices|"
    "locationstext|"
    "primarylocation|worklocation|workplaces|address|locationlabel|alllocations",
    "secondaryLocations": "secondarylocations|additionallocations|otherlocations",
    "hiringOrganization": "empresa|entreprise|firma|unternehmen|arbeitgeber|societe|azienda|bedrijf|"
    "company|companyname|employer|organization|organizationname|hiringorganization|"
    "employername|companyinfo|brand|brandname|businessunit|legalentity|hiringcompany",
    "employmentType": "employmenttypelabel|tipocontrato|typecontrat|anstellungsart|jornada|"
    "employmenttype|employmenttypes|jobtype|jobtypes|timetype|commitment|contracttype|"
    "typeofemployment|workschedule|schedule|worktype|employment|workingtime|workinghourstype",
    "datePosted": "opendate|publicadaem|publicadoen|fechapublicacion|datepublication|createdat|"
    "dateposted|publisheddate|publishedat|postedat|posteddate|postedon|firstpublished|"
    "releaseddate|"
    "listdate|publicationdate|postingdate|onlinedate|datepublished|publishdate|postdate|startpublication|publishtime|publicationtime|publishedon",
    "validThrough": "closedate|expiraem|fechacierre|datelimite|bewerbungsfrist|validthrough|expirydate|"
    "closingdate|applicationdeadline|expiresat|deadline|"
    "expirationdate|"
    "applyby|enddateposting|unpublishdate|applicationsclose|lastapplicationdate|expires|closesat|expiredat|validuntil|enddate|expirationtime|deadlineat",
    "baseSalary": "salary|basesalary|compensation|salaryrange|pay|payrange|compensationrange|salaryinfo|"
    "remuneration|compensationtiersummary|salarytext|paytext|salarydescription|estimatedsalary",
    "jobLocationType": "workplacetype|locationtype|remotetype|joblocationtype|workplace|workmode|"
    "remotestatus",
    "isRemote": "remote|isremote|telecommuting|remoteallowed|fullyremote",
    "identifier": "ref|referencia|referenz|kennziffer|reqid|requisitionid|jobreqid|requisitionnumber|"
    "refnumber|referencenumber|"
    "jobreference|reference|"
    "externalid|identifier|jobnumber|vacancynumber|jobrequisitionid|jobrefnumber|referencecode|vacancyid|jobid|positionid|postingid",
    "url": "url|joburl|canonicalurl|externalurl|hostedurl|absoluteurl|shareurl|permalink|publicurl|"
    "postingurl",
    "applyUrl": "applyurl|applicationurl|applylink|externalapplyurl|applicationlink",
    "industry": "industryname|industry|industries|sector",
    "skills": "keyskills|requiredskillslist|skills|skilltags|requiredskills|keyskills|techstack|technologies",
    "jobBenefits": "benefits|jobbenefits|perks|benefitslist",
    "qualifications": "qualifications|requirements|jobrequirements|requirementslist|candidateprofile",
    "responsibilities": "responsibilities|duties|tasks|jobresponsibilities",
    "experienceRequirements": "experiencerequirements|experience|yearsofexperience|workexperience|"
    "workyear|workyears|requiredexperience",
    "educationRequirements": "educationrequirements|educationlevel|education|degree|degreename|educationname",
    "salaryCurrency": "moeda|moneda|waehrung|devise|salarycurrency|currency|currencycode",
    "salaryMin": "salariomin|gehaltvon|salairemin|salarymin|minsalary|salaryfrom|minimumsalary|salaryminimum",
    "salaryMax": "salariomax|gehaltbis|salairemax|salarymax|maxsalary|salaryto|maximumsalary|salarymaximum",
    "salaryPeriod": "periodo|salaryperiod|salaryunit|salarytype|payperiod|salaryinterval|salaryfrequency",
    "looseType": "type|tipo|kind",
    "isClosed": "isclosed|closed|isexpired|expired|filled",
}
_BY_NAME = {name: term for term, names in _NAMES.items() for name in names.split("|")}
# An object with a title and a text may be an article; one of these makes it a job.
_OF_A_JOB = frozenset(
    {"jobLocation", "employmentType", "baseSalary", "applyUrl", "jobLocationType", "salaryMin"}
)
LEAST_DESCRIPTION = 80
MAX_STATES = 40
_QUOTED = re.compile(r"JSON\.parse\(\s*(\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*')")
# Whatever is assigned: `window.__STATE__ = {"…`, `phApp.ddo = {…`, `var jobs = [{…`.
_ASSIGNED = re.compile(r"[\w$\])'\"]\s{0,3}=\s{0,3}(?=\{\s{0,20}[\"'\w]|\[\s{0,20}\{)")
MAX_ASSIGNED = 12


def find_states(tree: lxml.html.HtmlElement) -> list[Node]:
    """JobPosting objects of the page's application state, outermost first."""
    found: list[Node] = []
    for value in _values(tree):
        index = _referred(value)
        for node in nodes_of(value):
            if (posting := posting_of_state(resolved(node, index))) is not None:
                found.append(posting)
            if len(found) >= MAX_STATES:
                return found
    return found


def _values(tree: Any) -> Iterator[Any]:
    for count, script in enumerate(tree.iter("script")):
        text = str(script.text or "")
        kind = str(script.get("type") or "").strip().lower()
        if count >= MAX_SCRIPTS or len(text) < LEAST_DESCRIPTION or "ld+json" in kind:
            continue
        if kind in {"application/json", "text/json"} or kind.endswith("+json"):
            yield read_json(text)
        elif not kind or "javascript" in kind or kind == "module":
            for match in islice(_ASSIGNED.finditer(text), MAX_ASSIGNED):
                yield read_json(text[match.end() :])
            if quoted := _QUOTED.search(text):
                written = read_json(f"[{quoted[1]}]")
                yield read_json(str(written[0])) if isinstance(written, list) and written else None
    for element in tree.xpath("//*[@data-page or @data-props or @data-state or @data-react-props]")[:10]:
        for name in ("data-page", "data-props", "data-state", "data-react-props"):
            if written := element.get(name):
                yield read_json(str(written))


def _referred(value: Any) -> dict[str, Node]:
    """Objects that others refer to by their key in a cache ("Company:77")."""
    return {
        key: inner
        for node in nodes_of(value)
        for key, inner in node.items()
        if isinstance(inner, dict) and "__typename" in inner and ":" in key
    }


def resolved(node: Node, index: dict[str, Node]) -> Node:
    """The object with its references (`{"__ref": "Company:77"}`) followed, and with its groups of
    facts opened."""
    if isinstance(groups := node.get("categories"), dict):
        places = groups.get("allLocations") or groups.get("location")
        node = {**groups, **({"location": places} if places else {}), **node}
    if not index:
        return node

    def followed(value: Any) -> Any:
        if isinstance(value, list):
            return [followed(entry) for entry in value[:50]]
        if isinstance(value, dict) and isinstance(value.get("__ref"), str):
            return index.get(value["__ref"], value)
        return value

    return {key: followed(value) for key, value in node.items()}


def posting_of_state(node: Node) -> Node | None:
    """The object in schema.org's terms; None when it is no job."""
    if "@type" in node or len(node) < 3:
        return None
    renamed: Node = {}
    for key, value in node.items():
        term = _BY_NAME.get(re.sub(r"[^a-z]", "", str(key).lower()))
        if term and value not in (None, "", [], {}) and term not in renamed:
            renamed[term] = value
    title, text = renamed.get("title"), _text_in(renamed.get("description")) + _further_text(node)
    if not isinstance(title, str) or len(title) > 200 or len(text) < LEAST_DESCRIPTION:
        return None
    if not _OF_A_JOB & set(renamed):
        return None
    return {"@type": "JobPosting", **renamed, "description": text} | _further(renamed, node)


def _further_text(node: Node) -> str:
    """Lists that stand beside a description, each with its heading, and what is said after them."""
    parts = []
    for entry in node["lists"][:20] if isinstance(node.get("lists"), list) else []:
        if isinstance(entry, dict) and isinstance(entry.get("content"), str):
            parts.append(f"<h3>{entry.get('text') or ''}</h3><ul>{entry['content']}</ul>")
    if isinstance(after := node.get("additional"), str):
        parts.append(after)
    return "".join(parts)


def _text_in(value: Any) -> str:
    """A description may be an object of sections, or a list of them."""
    if isinstance(value, str):
        return value
    parts: list[str] = []
    pending = [value]
    while pending and len(parts) < 60:
        current = pending.pop(0)
        if isinstance(current, str) and len(current) > 20:
            parts.append(current)
        elif isinstance(current, dict):
            head = current.get("title") or current.get("heading") or current.get("name")
            if isinstance(head, str) and len(head) <= 80:
                parts.append(f"<h3>{head}</h3>")
            pending[:0] = [item for key, item in current.items() if key not in {"title", "heading", "name"}]
        elif isinstance(current, list):
            pending[:0] = current
    return "\n".join(parts)


def _further(renamed: Node, node: Node) -> Node:
    """What schema.org puts into one object and systems into several values."""
    more: Node = {}
    if "baseSalary" not in renamed and ("salaryMin" in renamed or "salaryMax" in renamed):
        more["baseSalary"] = {
            "currency": renamed.get("salaryCurrency"),
            "value": {
                "minValue": renamed.get("salaryMin"),
                "maxValue": renamed.get("salaryMax"),
                "unitText": renamed.get("salaryPeriod"),
            },
        }
    if renamed.get("isRemote") is True or str(renamed.get("jobLocationType")).lower() == "remote":
        more["jobLocationType"] = "TELECOMMUTE"
    elif "jobLocationType" in renamed:
        more["jobLocationType"] = None
    if address := _flat_address(node):
        more["jobLocation"] = address
    loose = renamed.get("looseType")
    if "employmentType" not in renamed and isinstance(loose, str) and known_employment_types(loose):
        more["employmentType"] = loose
    if "baseSalary" not in renamed and (salary := _hidden_salary(node)):
        more.setdefault("baseSalary", salary)
    if "secondaryLocations" in renamed:
        more["jobLocation"] = [
            *_as_list(renamed.get("jobLocation")),
            *_as_list(renamed["secondaryLocations"]),
        ]
    return more


_FLAT_ADDRESS = {
    "addressLocality": "municipio|ciudad|cidade|ville|ort|city|cityname|town|locality",
    "addressRegion": "provincia|estado|bundesland|prefecture|region|regionname|province|provincename|"
    "state|statename",
    "addressCountry": "pais|pays|land|country|countryname|countrycode",
    "streetAddress": "street|streetaddress",
}


def _flat_address(node: Node) -> Node | None:
    """An address of whose parts each is a value of the job's own."""
    named = {re.sub(r"[^a-z]", "", str(key).lower()): value for key, value in node.items()}
    address = {
        term: value
        for term, names in _FLAT_ADDRESS.items()
        for name in names.split("|")[::-1]
        if isinstance(value := named.get(name), str) and value
    }
    return address if "addressLocality" in address and len(address) > 1 else None


def _hidden_salary(node: Node) -> Node | None:
    """Pay inside another value of the job: kinds of employment with a range each, ranges in hundredths."""
    for value in node.values():
        for entry in _as_list(value)[:10]:
            if not isinstance(entry, dict):
                continue
            named = {re.sub(r"[^a-z]", "", str(key).lower()): inner for key, inner in entry.items()}
            low, high = named.get("mincents"), named.get("maxcents")
            if isinstance(low, int) and isinstance(high, int):
                low, high = low / 100, high / 100
            elif {"from", "to", "currency"} <= set(named):
                low, high = named["from"], named["to"]
            else:
                continue
            unit = named.get("unit") or named.get("interval") or named.get("title")
            currency = named.get("currency") or named.get("currencytype")
            return {
                "currency": str(currency).upper(),
                "value": {"minValue": low, "maxValue": high, "unitText": unit},
            }
    return None


def _as_list(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]
