import pytest

from tests.contract.vendors import KEYS, make_adapter


@pytest.fixture(params=sorted(KEYS))
def provider_type(request):
    """Every vendor in turn."""
    return request.param


@pytest.fixture
async def adapter_at(sandbox, provider_type):
    """An adapter whose vendor is the sandbox, misbehaving as the model's name says."""
    made = []

    def make(model_name="sandbox-mini", **overrides):
        made.append(
            make_adapter(provider_type, sandbox.base_url(provider_type), model_name=model_name, **overrides)
        )
        return made[-1]

    yield make
    for adapter in made:
        await adapter.aclose()
