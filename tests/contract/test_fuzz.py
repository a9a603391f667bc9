"""`make fuzz` in its short form, and that it would find what it looks for."""

import sys

import pytest

from bench.fuzz import complaint_about, fuzz
from bench.wires import ANSWER, WIRES
from providers.adapters.base import ProviderReply
from providers.registry import ProviderFactory
from tests.contract.answers import adapter_given, answer
from tests.contract.questions import ask, collect
from tests.contract.vendors import KEYS

EACH = 20
# Gemini's SDK warns of values that it does not know, and nothing else is sent here.
pytestmark = pytest.mark.filterwarnings("ignore:.* is not a valid:UserWarning")


def test_there_is_a_wire_for_every_vendor():
    assert WIRES.keys() == KEYS.keys()


@pytest.mark.slow
async def test_whatever_a_vendor_sends_is_a_reply_or_a_provider_error(provider_type):
    tried, crashes = await fuzz(WIRES[provider_type], every=EACH)

    assert crashes == []
    assert tried > 100


async def test_what_is_mutated_is_in_order_itself(provider_type):
    wire = WIRES[provider_type]
    async with adapter_given(provider_type, answer("generate", wire.reply)) as adapter:
        reply = await adapter.generate_content(ask())
    events = wire.stream([event for _, event in wire.events])
    async with adapter_given(provider_type, answer("stream", events)) as adapter:
        pieces, last = await collect(adapter.stream_content(ask()))
    async with adapter_given(provider_type, answer("models", wire.models)) as adapter:
        (model,) = await adapter.list_models()

    assert reply.text == last.text == "".join(pieces) == ANSWER
    assert reply.usage == last.usage is not None
    assert model.name


async def test_it_finds_an_adapter_that_lets_an_exception_through(provider_type, monkeypatch):
    class Through:
        def __init__(self, *_args):
            pass

        def __enter__(self):
            pass

        def __exit__(self, *_raised):
            pass

    # Only without the guard is there anything to find.
    adapter = sys.modules[ProviderFactory.adapter_class(provider_type).__module__]
    monkeypatch.setattr(adapter, "reading", Through)

    _, crashes = await fuzz(WIRES[provider_type], every=5 * EACH)

    assert crashes


async def test_it_finds_a_reply_that_cannot_be_stored():
    class Careless:
        async def generate_content(self, _request):
            return ProviderReply(text="\x00", usage=None, model_name="m")

    assert await complaint_about(Careless(), "generate", form=False) == "text that cannot be stored"
