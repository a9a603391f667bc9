"""One vendor is one adapter file, one registry line, one contract parameter and one row in the docs."""

import inspect
import pkgutil
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from providers import adapters as package
from providers.adapters.base import AIProvider
from providers.models import AIProviderConfig
from providers.registry import PROVIDER_TYPES, ProviderFactory, provider_choices
from tests.contract.vendors import KEYS

BASE_DIR = Path(__file__).resolve().parents[2]


def adapters():
    """Every class in the adapters' package that can be asked."""
    for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
        for _, found in inspect.getmembers(import_module(module.name), inspect.isclass):
            if issubclass(found, AIProvider) and not inspect.isabstract(found):
                yield found


def test_every_registered_path_is_a_complete_adapter():
    for slug in PROVIDER_TYPES:
        adapter = ProviderFactory.adapter_class(slug)

        assert issubclass(adapter, AIProvider)
        assert not inspect.isabstract(adapter)
        assert adapter.vendor == slug


def test_registry_adapters_contract_and_docs_name_the_same_vendors():
    registered = {ProviderFactory.adapter_class(slug) for slug in PROVIDER_TYPES}
    rows = re.findall(r"^\| `(\w+)` \|", (BASE_DIR / "docs" / "providers.md").read_text(), re.MULTILINE)

    assert registered == set(adapters())
    assert set(PROVIDER_TYPES) == set(KEYS) == set(rows)
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
def test_describing_vendors_loads_no_sdk():
    # A web process that never calls a vendor should not pay for its SDK.
    code = (
        "import django, os, sys; os.environ['DJANGO_SETTINGS_MODULE'] = 'tests.settings'; django.setup();"
        "import providers.models, providers.capabilities, providers.registry;"
        "print(sorted({'openai', 'anthropic', 'google.genai'} & set(sys.modules)))"
    )

    done = subprocess.run(
        [sys.executable, "-c", code], cwd=BASE_DIR, capture_output=True, text=True, check=True
    )

    assert done.stdout.strip() == "[]"
