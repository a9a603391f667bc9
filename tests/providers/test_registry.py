"""A vendor is a registry line over an adapter and a row in the docs; an adapter has its contract suite."""

import inspect
import re
import subprocess
import sys
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path

import pytest
from django.utils.module_loading import import_string

from providers.adapters.base import AIProvider, GenerationRequest
from providers.errors import ProviderError
from providers.models import AIProviderConfig
from providers.registry import PROVIDER_TYPES, ProviderFactory, key_variables, provider_choices
from tests.contract.vendors import KEYS

BASE_DIR = Path(__file__).resolve().parents[2]
NEW_VENDOR_AND_TASK = """
import os
os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
from dataclasses import replace
from providers import registry, tasks
registry.PROVIDER_TYPES["newcomer"] = replace(registry.PROVIDER_TYPES["local"], slug="newcomer")
tasks.TASKS["salary_check"] = tasks.TaskType("salary_check", "Salary check")
import django
django.setup()
from django.core.management import call_command
call_command("makemigrations", check=True, dry_run=True)
"""


def own_classes(kind):
    return {kind, *(below for child in kind.__subclasses__() for below in own_classes(child))}


def test_every_registered_path_is_a_complete_adapter():
    for slug in PROVIDER_TYPES:
        adapter = ProviderFactory.adapter_class(slug)

        assert issubclass(adapter, AIProvider)
        assert not inspect.isabstract(adapter)


@pytest.mark.parametrize("slug", sorted(PROVIDER_TYPES))
async def test_what_goes_wrong_at_a_vendor_is_told_under_its_own_name(slug):
    adapter = ProviderFactory.create_provider(
        slug, api_key="a key", model_name="m", base_url="http://127.0.0.1:9/v1"
    )

    async with aclosing(adapter):
        with pytest.raises(ProviderError) as failed:
            await adapter.generate_content(GenerationRequest("?"))

    assert failed.value.vendor == slug


async def test_a_hosted_vendor_over_a_common_adapter_is_called_at_its_own_home(monkeypatch):
    hosted = replace(
        PROVIDER_TYPES["local"], slug="hosted", base_url="https://hosted.example/v1", base_url_required=False
    )
    monkeypatch.setitem(PROVIDER_TYPES, "hosted", hosted)

    at_home = ProviderFactory.create_provider("hosted", api_key="k", model_name="m")
    elsewhere = ProviderFactory.create_provider("hosted", api_key="k", model_name="m", base_url="http://p/v1")

    assert (at_home.vendor, at_home.base_url, elsewhere.base_url) == (
        "hosted", "https://hosted.example/v1", "http://p/v1",
    )  # fmt: skip
    await at_home.aclose()
    await elsewhere.aclose()


def test_every_adapter_serves_a_registered_vendor():
    registered = {ProviderFactory.adapter_class(slug) for slug in PROVIDER_TYPES}
    registered |= {import_string(kind.batches) for kind in PROVIDER_TYPES.values() if kind.batches}
    of_the_product = {
        adapter for adapter in own_classes(AIProvider) if adapter.__module__.startswith("providers.adapters.")
    }

    assert registered == {adapter for adapter in of_the_product if not inspect.isabstract(adapter)}


@pytest.mark.processes
def test_a_new_vendor_and_a_new_task_make_no_migration():
    done = subprocess.run(
        [sys.executable, "-c", NEW_VENDOR_AND_TASK],
        cwd=BASE_DIR, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", key_variables())
def test_each_key_variable_is_named_where_operators_look(name):
    for page in ("README.md", ".env.example"):
        assert name in (BASE_DIR / page).read_text(), page


def test_registry_contract_and_docs_name_the_same_vendors():
    rows = re.findall(r"^\| `(\w+)` \|", (BASE_DIR / "docs" / "providers.md").read_text(), re.MULTILINE)

    first_of_each_adapter = {kind.adapter: kind.slug for kind in reversed(PROVIDER_TYPES.values())}

    assert set(PROVIDER_TYPES) == set(rows)
    assert set(first_of_each_adapter.values()) == set(KEYS)
    assert len(rows) == len(set(rows))


def test_the_choices_of_a_config_come_from_the_registry():
    field = AIProviderConfig._meta.get_field("provider_type")

    assert list(field.choices) == provider_choices() == [(k.slug, k.label) for k in PROVIDER_TYPES.values()]
    assert all(len(slug) <= field.max_length for slug in PROVIDER_TYPES)


def test_an_unregistered_type_is_a_programming_error():
    with pytest.raises(KeyError):
        ProviderFactory.create_provider("bard", api_key="x", model_name="y")


@pytest.mark.parametrize("slug", sorted(KEYS))
def test_the_test_keys_look_like_keys(slug):
    assert PROVIDER_TYPES[slug].key_looks_right(KEYS[slug])


@pytest.mark.processes
def test_a_web_process_holds_no_sdk_and_no_compiler_before_it_needs_one():
    # One that never calls a vendor and makes no file should not pay for it.
    code = (
        "import os, sys; os.environ['DJANGO_SETTINGS_MODULE'] = 'tests.settings';"
        "import aditus.asgi; from django.urls import get_resolver; get_resolver().url_patterns;"
        "late = {'openai', 'anthropic', 'google.genai', 'typst', 'docx', 'fontTools'};"
        "print(sorted(late & set(sys.modules)))"
    )

    done = subprocess.run(
        [sys.executable, "-c", code], cwd=BASE_DIR, capture_output=True, text=True, check=True
    )

    assert done.stdout.strip() == "[]"
