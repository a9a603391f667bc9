"""Whatever is sent with a form of the console, the answer is never an error of ours. The forms are those that
its pages have, so one that is added is tried too."""

from urllib.parse import urljoin, urlsplit

import pytest
from django.db import transaction
from django.test import Client
from django.urls import resolve, reverse, reverse_lazy
from lxml import html

from providers.models import AIProviderConfig
from tests.browser import console_pages
from tests.browser.console_pages import furnish_rows
from tests.browser.installation import furnish

pytestmark = [pytest.mark.django_db, pytest.mark.slow, pytest.mark.stricter_database]
NASTY = ["\x00", "[a-", "9" * 30, "é" * 5000]
# What has more fields is a form of Django's, which looks at each whatever the others say.
FEW_FIELDS = 6
NOT_TRIED = {
    "logout": "what ends a session ends this one",
    "sign_out_everywhere": "the same",
    "providers_aiproviderconfig_try": "asks vendors; test_try_it",
    "prompt_try": "the same; test_prompts",
    "orchestration_probe": "asks on another connection, which waits for this test's; test_health",
}


@pytest.fixture
def console():
    super_admin = furnish(days=1, calls_a_day=2)
    furnish_rows()
    # A server that is not there: whoever is asked refuses at once.
    AIProviderConfig.objects.update(base_url="http://127.0.0.1:9/v1", provider_type="local")
    client = Client(raise_request_exception=False)
    client.force_login(super_admin)
    return client


def forms_of(page, address):
    """Each as (where it goes, its fields as they stand); a button may send it elsewhere."""
    tree = html.fromstring(page)
    for form in tree.xpath("//form[translate(@method, 'POST', 'post')='post']"):
        within = [*form.xpath(".//*[@name]"), *tree.xpath("//*[@name and @form=$id]", id=form.get("id", "-"))]
        fields = {
            one.get("name"): value_of(one)
            for one in within
            if one.get("name") != "csrfmiddlewaretoken" and one.get("type") != "file"
        }
        targets = [form.get("action") or address]
        targets += tree.xpath("//button[@form=$id]/@formaction", id=form.get("id", "-"))
        targets += form.xpath(".//button/@formaction")
        yield from ((urljoin(address, target), fields) for target in targets)


def value_of(field):
    if field.tag == "select":
        return (field.xpath("./option[@selected]/@value") or field.xpath("./option/@value") or [""])[0]
    return (field.text or "") if field.tag == "textarea" else field.get("value", "")


def sendings(fields):
    """Everything nasty at once; where no form may look at all of it, each by itself as well."""
    if len(fields) > FEW_FIELDS:
        yield from (dict.fromkeys(fields, value) for value in NASTY[:2])
        return
    yield from (dict.fromkeys(fields, value) for value in NASTY)
    if len(fields) > 1:
        yield from (fields | {name: value} for name in fields for value in NASTY)


def posted(console, address, fields):
    """The status of the answer; what came of it is taken back."""
    cookies = console.cookies.copy()
    with transaction.atomic():
        status = console.post(address, fields).status_code
        transaction.set_rollback(True)
    console.cookies = cookies
    return status


@pytest.mark.parametrize("pages", console_pages.PAGES)
def test_nothing_that_is_sent_breaks_a_form(console, pages):
    tried, broken = set(), []

    for page in console_pages.PAGES[pages]():
        answer = console.get(page)
        for address, fields in forms_of(answer.content, page) if answer.status_code == 200 else ():
            name = resolve(urlsplit(address).path).url_name
            if name in NOT_TRIED or (name, *fields) in tried:
                continue
            tried.add((name, *fields))
            broken += [
                f"{status} of {address} for { ({name: value[:20] for name, value in sent.items()}) }"
                for sent in sendings(fields)
                if (status := posted(console, address, sent)) >= 500 and status != 502
            ]

    assert tried
    assert not broken, "\n".join(broken)


OF_LISTS = reverse_lazy("admin:usage_aiproviderusagelog_changelist")


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("login", {"username": "", "password": "", "next": "/admin/"}),
        ("enrol", {"code": "", "next": "/admin/"}),
        ("confirm", {"code": "", "next": "/admin/", "held_form": ""}),
        ("save_view", {"page": OF_LISTS, "name": "Mine", "query": ""}),
        ("usage_propose_experiment", {"proposal": "extraction 1 gpt-5"}),
    ],
)
def test_nor_one_that_stands_on_no_page_of_these(console, name, fields):
    broken = [
        (sent, status)
        for sent in sendings(fields)
        if (status := posted(console, reverse(f"admin:{name}"), sent)) >= 500
    ]

    assert broken == []
