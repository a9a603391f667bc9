"""What every page of the console says is for people: no name of a row, no moment and no number as a program
writes it."""

import re

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
    "a value of Python": r"(?:^|\n) ?(?:None|True|False) ?(?=\n|$)",
}
# What is not answered with a page of its own, with the status of the answer.
LEADS_ELSEWHERE = {
    "/admin/orchestration/plantasktier/": 302,
    "/admin/orchestration/providerprobe/": 302,
    "/admin/nothing/here/": 404,
}
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


@pytest.mark.any_database
@pytest.mark.parametrize("pages", console_pages.PAGES)
def test_no_page_speaks_as_programs_do(console, pages):
    wrong = []

    for address in console_pages.PAGES[pages]():
        answer = console.get(address)
        assert answer.status_code == LEADS_ELSEWHERE.get(address, 200), address
        words = words_of(answer.content) if answer.content else ""
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
