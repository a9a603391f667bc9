"""What a probe asks, and what it makes of the answer; the vendor is made of values here."""

from types import SimpleNamespace

import pytest

from orchestration.probes import asking
from orchestration.probes.asking import MAY_NOT_LIST, WORKS, Finding, ask, sentence_of
from providers.adapters.base import ListedModel
from providers.adapters.credential_check import Doubt
from providers.errors import ErrorKind, UndecryptableKey
from tests.orchestration.calls import candidate, error_of

LISTED = [ListedModel(name="models/GPT-1"), ListedModel(name="gpt-2")]
PROVIDER = candidate(
    1, model="small", base_url="http://127.0.0.1/v1", plain_key="sk-1", sealed_key="sealed"
).provider


class Vendor:
    def __init__(self, answer):
        self.answer = answer

    async def list_models(self):
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.fixture
def probe(monkeypatch):
    """Ask a vendor that answers with `answer`, and whose list proves `proof` of the key."""

    async def find(answer, *, provider=PROVIDER, is_serving=False, proof=None):
        vendor, asked, weighed = Vendor(answer), [], []
        readings = iter([100.0, 100.25])
        monkeypatch.setattr(asking, "time", SimpleNamespace(perf_counter=lambda: next(readings)))

        async def weigh(adapter, listed):
            weighed.append((adapter is vendor, listed))
            return proof

        monkeypatch.setattr(asking, "weighed", weigh)
        monkeypatch.setattr(asking, "provider_for", lambda **facts: asked.append(facts) or vendor)
        finding = await ask(provider, is_serving=is_serving, wants_proof=proof is not None)
        return SimpleNamespace(finding=finding, asked=asked, weighed=weighed)

    return find


async def test_it_asks_with_the_key_and_at_the_address_of_the_provider(probe):
    found = await probe(LISTED)

    assert found.asked == [
        {
            "provider_type": "openai",
            "sealed_key": "sealed",
            "plain_key": "sk-1",
            "model_name": "small",
            "base_url": "http://127.0.0.1/v1",
            "timeout": 10,
        }
    ]
    assert (await probe(LISTED, provider=candidate(1, timeout=3).provider)).asked[0]["timeout"] == 3


async def test_a_list_is_an_answer_and_says_nothing_of_the_key_unless_that_is_asked(probe):
    found = await probe(LISTED)

    assert found.finding == Finding(True, "", 250, frozenset({"gpt-1", "gpt-2"}))
    assert found.weighed == []


def proof(is_valid, **facts):
    return SimpleNamespace(is_valid=is_valid, error_kind=ErrorKind.AUTH, doubt=Doubt.UNCLEAR, **facts)


async def test_a_list_that_disproves_the_key_is_a_refusal(probe):
    found = await probe(LISTED, proof=proof(False))

    assert found.finding == Finding(is_up=False, error_kind="auth", latency_ms=250)
    assert found.weighed == [(True, LISTED)]


@pytest.mark.parametrize(("is_valid", "doubt"), [(None, Doubt.UNCLEAR), (True, None)])
async def test_a_list_that_proves_nothing_is_an_answer_with_a_doubt(probe, is_valid, doubt):
    finding = (await probe(LISTED, proof=proof(is_valid))).finding

    assert (finding.is_up, finding.doubt, finding.listed) == (True, doubt, {"gpt-1", "gpt-2"})


async def test_a_key_that_cannot_be_opened_is_sent_nowhere(probe):
    finding = (await probe(UndecryptableKey())).finding

    assert finding == Finding(is_up=False, error_kind="key_undecryptable")
    assert (finding.message, finding.refuses) == (UndecryptableKey.message, False)


@pytest.mark.parametrize(
    ("kind", "status", "is_serving", "is_up"),
    [
        ("auth", 401, True, False),
        ("auth", 403, True, None),
        ("auth", 403, False, False),
        ("server", 403, True, False),
        ("server", 500, False, False),
        ("not_found", 404, False, None),
        ("rate_limited", 429, False, None),
    ],
)
async def test_a_failure_is_one_unless_the_list_says_nothing_about_calls(
    probe, kind, status, is_serving, is_up
):
    found = await probe(error_of(kind, status_code=status), is_serving=is_serving)

    assert found.finding == Finding(is_up, kind, 250)


@pytest.mark.parametrize(
    ("is_up", "kind", "says"),
    [
        (True, "", WORKS),
        (False, "auth", ErrorKind.AUTH.meaning.message),
        (None, "auth", MAY_NOT_LIST),
        (None, "not_found", ErrorKind.NOT_FOUND.meaning.untold),
        (False, "server", ErrorKind.SERVER.meaning.message),
    ],
)
def test_a_person_reads_what_came_of_it(is_up, kind, says):
    assert sentence_of(is_up, kind) == Finding(is_up, kind).message == says


@pytest.mark.parametrize(
    ("is_up", "kind", "refuses"),
    [
        (False, "auth", True),
        (False, "billing", True),
        (False, "server", False),
        (None, "auth", False),
        (True, "", False),
    ],
)
def test_a_key_or_an_account_that_is_refused_needs_a_person(is_up, kind, refuses):
    assert Finding(is_up, kind).refuses is refuses
