"""One vendor is one adapter file, one registry line, one contract parameter and one row in the docs."""

import ast
import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest

from providers.adapters.base import AIProvider
from providers.models import AIProviderConfig
from providers.registry import PROVIDER_TYPES, ProviderFactory, provider_choices
from tests.contract.vendors import KEYS

BASE_DIR = Path(__file__).resolve().parents[2]
ADAPTERS = BASE_DIR / "providers" / "adapters"


def defines_a_provider(path):
    classes = [node for node in ast.parse(path.read_text()).body if isinstance(node, ast.ClassDef)]
    return any(
        isinstance(base, ast.Name) and base.id == "AIProvider" for node in classes for base in node.bases
    )


def test_every_registered_path_is_a_complete_adapter():
    for slug in PROVIDER_TYPES:
        adapter = ProviderFactory.adapter_class(slug)

        assert issubclass(adapter, AIProvider)
        assert not inspect.isabstract(adapter)
        assert adapter.vendor == slug


def test_registry_files_contract_and_docs_name_the_same_vendors():
    files = {path.stem for path in ADAPTERS.glob("*.py") if defines_a_provider(path)}
    rows = re.findall(r"^\| `(\w+)` \|", (BASE_DIR / "docs" / "providers.md").read_text(), re.MULTILINE)

    assert set(PROVIDER_TYPES) == files == set(KEYS) == set(rows)
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
