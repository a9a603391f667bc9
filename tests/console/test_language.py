"""What every page of the console says is for people: no name of a row, no moment and no number as a program
writes it, and each thing by the one word that the glossary has for it."""

import re
from pathlib import Path

import pytest
from lxml import html

from tests.browser import console_pages
from tests.browser.installation import furnish

pytestmark = pytest.mark.django_db

# Each form with what it is an example of.
FOR_PROGRAMS = {
    "a window's name": r"\b(?:month|day):\d{4}-\d\d",
    "a counter's name": r"\b(?:user|task|provider|access_token)(?:-usd)?:\d+",
    "a moment with its fraction": r"\d\d:\d\d:\d\d\.\d+",
    "an offset for a time zone": r"\d\d:\d\d ?\+\d\d:?\d\d",
    "a moment as Django writes it": r"\b[A-Z][a-z]{2,8}\.? \d{1,2}, \d{4}, ",
    "a number nobody can read": r"(?<![\w.,:/#+-])\d{5,}(?![\w-])",
    "a name in one word": r"(?<![\w./@-])(?<!manage\.py )[a-z]+(?:_[a-z]+)+(?![\w./@-])",
    "an action of the audit trail": r"\b(?:provider|user|mfa|login|batch|prompt|taskpolicy)\.[a-z_]+\b",
    "a model by its table": r"\b(?:accounts|providers|usage|orchestration|extraction|drafting)\.[a-z]+\b",
    "a file of the documentation": r"\bdocs/[\w/-]+\.md\b",
    "Django's own heading": r"\bSelect .+? to (?:view|change)\b",
    "a share as nobody writes one here": r"\d%|\d\.\d\d+ ?%",
    "one of several": r"(?<![\d.,:/–-])1 (?!is\b|was\b|has\b|ms\b|access\b)[a-z]{2,}s\b",
    "what JSON keeps": r"""(?:^|\s)(?:\{\}|\[\]|[{\[]['"])""",
    "a value of Python": r"(?:^|\n) ?(?:None|True|False) ?(?=\n|$)",
}
# What is not answered with a page of its own, with the status of the answer.
LEADS_ELSEWHERE = {
    "/admin/orchestration/plantasktier/": 302,
    "/admin/orchestration/providerprobe/": 302,
    "/admin/nothing/here/": 404,
}
# What a label is not called.
NO_LABEL = {
    "a column by its name": r"_",
    "a unit for programs": r"\b(?:ms|mtok|usd|url)$",
    "a unit without a figure": r"\b(?:Ms|Mtok|Usd|Url)\b",
}
# In labels these are something else than what the glossary has another word for.
MEANT_OTHERWISE = {
    "cache", "check", "CV", "default", "free", "job", "limit", "option", "part", "price", "prompt", "schema",
    "token", "version",
}  # fmt: skip
GLOSSARY = Path(__file__).parents[2] / "docs" / "glossary.md"
_ATTRIBUTES = ("title", "aria-label", "placeholder", "alt")


@pytest.fixture
def console(client):
    client.force_login(furnish(days=3, calls_a_day=6))
    console_pages.furnish_rows()
    return client


def words_of(page):
    """What somebody sees or hears of a page. What is typed into a field is the field's business."""
    tree = html.fromstring(page)
    drawn = "contains(concat(' ', @class, ' '), ' material-symbols-outlined ')"
    for hidden in tree.xpath(f"//script | //style | //textarea | //*[@type='hidden'] | //*[{drawn}]"):
        hidden.drop_tree()
    # What a posting says in its own words is the posting's business, too.
    for quoted in tree.xpath("//td[@class='source']"):
        quoted.attrib.pop("title", None)
    # The trail has what was stored as it was stored, a plan's slug is what programs call it by, and people
    # are called what they are.
    typed = "contains(@class, 'field-slug') or contains(@class, 'field-full_name')"
    for value in tree.xpath(f"//span[@class='kept-value'] | //td[{typed}]"):
        value.drop_tree()
    for place_to_break in tree.xpath("//wbr"):
        place_to_break.drop_tag()
    tree = html.fromstring(html.tostring(tree))
    said = [text for text in tree.xpath("//text()") if text.strip()]
    said += [text for name in _ATTRIBUTES for text in tree.xpath(f"//@{name}")]
    return " \n ".join(" ".join(text.split()) for text in said)


def labels_of(page):
    """The headings of tables, the labels of fields and filters, and what definitions are of."""
    tree = html.fromstring(page)
    for choice in tree.xpath("//main//label[input] | //*[@id='nav-sidebar'] | //thead//label"):
        choice.drop_tree()
    named = tree.xpath("//th[@scope='col']//*[@class='text'] | //label | //legend | //dt | //fieldset//h2")
    said = {" ".join(one.text_content().split()).rstrip("*").strip() for one in named}
    return sorted(filter(None, said | set(tree.xpath("//@data-label"))))


def other_words():
    """What the glossary says a thing is not called, but for terms of its own and what it says that about with
    a reason ("state, which is a circuit's")."""
    rows = [line.strip("|").split("|") for line in GLOSSARY.read_text().splitlines() if line.startswith("| ")]
    terms = {word.strip(" *`") for row in rows for word in row[0].split(",")}
    unreasoned = (re.sub(r"[^,;]+, (?:which|who) [^;]*", "", row[2]) for row in rows if len(row) == 3)
    others = {word.strip() for cell in unreasoned for word in re.split("[,;]", cell)}
    return {word for word in others if word and " " not in word} - terms - MEANT_OTHERWISE


def misnamed(labels):
    found = []
    words = other_words()
    for label in labels:
        found += [(label, what) for what, form in NO_LABEL.items() if re.search(form, label)]
        found += [(label, f"called {word!r}") for word in words if re.search(rf"\b{word}s?\b", label, re.I)]
    return found


@pytest.mark.any_database
@pytest.mark.parametrize("pages", console_pages.PAGES)
def test_no_page_speaks_as_programs_do(console, pages):
    wrong = []

    for address in console_pages.PAGES[pages]():
        answer = console.get(address)
        assert answer.status_code == LEADS_ELSEWHERE.get(address, 200), address
        if not answer.content:
            continue
        words = words_of(answer.content)
        wrong += [f"{address}: {label!r} is {what}" for label, what in misnamed(labels_of(answer.content))]
        for what, form in FOR_PROGRAMS.items():
            wrong += [f"{address}: {what}: {found}" for found in sorted(set(re.findall(form, words)))[:3]]

    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(
    "text",
    [
        "month:2026-11", "user:4", "2026-11-30 09:21:52.591332+00:00", "1000000", "Nov. 21, 2026, noon",
        "Select usage row to view", "None", "rate_limited", "provider.key_rotated", "usage.modelprice",
        "docs/alerts.md",
    ],
)  # fmt: skip
def test_the_forms_find_what_they_are_for(text):
    words = words_of(f"<html><body><p>{text}</p></body></html>")

    assert any(re.search(form, words) for form in FOR_PROGRAMS.values())
