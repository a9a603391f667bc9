"""Two people, or a person and a call, change providers at the same moment, held where their ways cross.

Each race runs a second time without its guard, to show that it is one.
"""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import OperationalError, connection, transaction
from psycopg.errors import DeadlockDetected

from accounts.edit_conflicts import EditConflict
from accounts.models import AuditEntry
from orchestration.experiments.promotion import promote
from orchestration.models import Experiment, ExperimentArm
from providers import seeding
from providers.configs import changes
from providers.configs.flags import flag
from providers.configs.locks import hold_all
from providers.credentials import checks
from providers.errors import ErrorKind
from providers.models import AIProviderConfig, AIProviderConfigQuerySet
from providers.registry import PROVIDER_TYPES
from tests.contract.vendors import Recorder
from tests.factories import make_config
from tests.locks import somebody_waits
from tests.usage.attempts import make_attempt, run
from tests.waiting import PATIENCE_SECONDS, wait_until
from usage.ledger.portable import PortableLedger

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]

OLD, NEW = "sk-test-0123456789-old1", "sk-test-0123456789-new1"
REFUSED = 401, b'{"error": {"message": "Incorrect API key"}}'


def lists(method, path, key):
    """To the old key, and to no other; and it speaks the Responses API, which an empty question tells."""
    if key != OLD:
        return REFUSED
    if method == "POST":
        return 400, b'{"error": {"message": "Missing required parameter: model.", "code": "missing"}}'
    return 200, b'{"object": "list", "data": [{"id": "gpt-5-mini", "object": "model"}]}'


def refuses(method, path, key):
    return REFUSED


def in_thread(function, *args, **kwargs):
    """The future of a call that gives its connection back."""

    def called():
        try:
            return function(*args, **kwargs)
        finally:
            connection.close()

    pool = ThreadPoolExecutor(1)
    future = pool.submit(called)
    pool.shutdown(wait=False)
    return future


@pytest.fixture
def crossing(monkeypatch):
    """Runs two changes: `first` stands before the call of `place` until `second` waits for a lock of its own.
    Returns those of the two that PostgreSQL broke off."""

    def run(first, second, *, place):
        owner, name = place
        stands, function = threading.Event(), getattr(owner, name)

        def standing(*args, **kwargs):
            if not stands.is_set():
                stands.set()
                wait_until(somebody_waits)
            return function(*args, **kwargs)

        monkeypatch.setattr(owner, name, standing)
        future = in_thread(first)
        assert stands.wait(PATIENCE_SECONDS)
        broken = []
        for name, finish in (("second", second), ("first", future.result)):
            try:
                finish()
            except OperationalError as error:
                if not isinstance(error.__cause__, DeadlockDetected):
                    raise
                broken.append(name)
        return broken

    return run


@pytest.fixture(params=[True, False], ids=["held", "not held"])
def is_held(request, monkeypatch):
    """Whether what takes the place of the default holds the rows before it writes."""
    if not request.param:
        for module in (changes, seeding):
            monkeypatch.setattr(module, "hold_all", lambda: None)
    return request.param


@pytest.fixture
def first_place():
    return changes, "_take_default"


@pytest.mark.parametrize("is_new", [True, False])
def test_a_default_is_replaced_while_its_own_key_is_refused(actor, crossing, first_place, is_held, is_new):
    default, other = make_config(is_default=True), make_config()
    fields = {"model_name": "gpt-5", "is_default": True}

    def replace():
        if is_new:
            return changes.create(actor=actor, provider_type="openai", api_key=NEW, fields=fields)
        return changes.update(actor=actor, config_id=other.pk, fields=fields)

    broken = crossing(replace, lambda: flag(default.pk, ErrorKind.AUTH.value), place=first_place)

    assert len(broken) == (0 if is_held else 1)
    if is_held:
        default.refresh_from_db()
        assert (default.is_default, default.flag_reason) == (False, "auth")
        assert AIProviderConfig.objects.filter(is_default=True).count() == 1


def test_a_default_is_replaced_while_both_are_switched_off(actor, crossing, first_place, is_held):
    default, other = make_config(is_default=True), make_config()

    broken = crossing(
        lambda: changes.make_default(actor=actor, config_id=other.pk),
        lambda: changes.set_active(actor=actor, config_ids=[other.pk, default.pk], is_active=False),
        place=first_place,
    )

    assert len(broken) == (0 if is_held else 1)
    if is_held:
        assert set(AIProviderConfig.objects.values_list("is_default", "is_active")) == {
            (False, False),
            (True, False),
        }


def test_a_default_is_replaced_while_an_experiment_is_decided(actor, crossing, first_place, is_held):
    default, other = make_config(is_default=True), make_config()
    experiment = Experiment.objects.create(
        name="Which one", task="extraction", status="ENDED", started_at=default.created_at
    )
    arms = [
        ExperimentArm.objects.create(experiment=experiment, provider_config=config, weight=1, name=name)
        for name, config in (("A", default), ("B", other))
    ]

    broken = crossing(
        lambda: changes.make_default(actor=actor, config_id=other.pk),
        lambda: promote(actor=actor, experiment_id=experiment.pk, arm_id=arms[1].pk),
        place=first_place,
    )

    assert len(broken) == (0 if is_held else 1)


def test_a_key_is_seeded_while_it_is_refused(crossing, is_held):
    key = "AIzaSyD0123456789012345678901234567890"
    config = make_config(provider_type="gemini", api_key=key)

    broken = crossing(
        lambda: seeding.seed_provider(
            PROVIDER_TYPES["gemini"], api_key=key, model_fast="gemini-x", model_quality="", force=True
        ),
        lambda: flag(config.pk, ErrorKind.AUTH.value),
        place=(AIProviderConfig, "set_api_key"),
    )

    assert len(broken) == (0 if is_held else 1)


def test_a_provider_that_is_added_while_one_waits_to_hold_all_is_held_too():
    make_config()

    def free():
        with transaction.atomic():
            return list(AIProviderConfig.objects.select_for_update(skip_locked=True))

    def hold_and_look():
        with transaction.atomic():
            hold_all()
            return in_thread(free).result()

    with transaction.atomic():
        hold_all()
        make_config()
        second = in_thread(hold_and_look)
        wait_until(somebody_waits)

    assert second.result() == []


def test_a_call_does_not_wait_for_whoever_holds_all():
    attempt = make_attempt(config=make_config())

    with transaction.atomic():
        hold_all()
        in_thread(lambda: run(PortableLedger().reserve(attempt))).result(PATIENCE_SECONDS)


def test_two_new_defaults_at_once_follow_one_another(actor, crossing, first_place):
    """The second sees, and holds, the row that the first has added while the second waited."""
    make_config(is_default=True)
    fields = {"model_name": "gpt-5", "is_default": True}

    def add(name):
        named = fields | {"display_name": name}
        return changes.create(actor=actor, provider_type="openai", api_key=NEW, fields=named)

    broken = crossing(lambda: add("first"), lambda: add("second"), place=first_place)

    assert broken == []
    assert AIProviderConfig.objects.get(is_default=True).display_name == "second"
    handed_over = AuditEntry.objects.filter(action="provider.updated", target_label="first")
    assert [entry.changes["is_default"] for entry in handed_over] == [[True, False]]


@pytest.mark.parametrize("is_locked", [True, False], ids=["locked", "not locked"])
@pytest.mark.parametrize(("answer", "wrong"), [(lists, (True, "")), (refuses, (False, "auth"))])
def test_a_test_of_the_old_key_says_nothing_of_the_new_one(actor, monkeypatch, answer, wrong, is_locked):
    """The new key is stored but not committed when the vendor has answered about the old one."""
    if not is_locked:
        monkeypatch.setattr(AIProviderConfigQuerySet, "select_for_update", lambda rows, **_: rows.all())
    rotated = threading.Event()
    with Recorder(respond=answer, reply_after=rotated) as vendor:
        config = make_config(api_key=OLD, base_url=vendor.url)
        test = in_thread(lambda: asyncio.run(checks.test_config(config.pk)))
        wait_until(lambda: vendor.requests)
        with transaction.atomic():
            changes.rotate_key(actor=actor, config_id=config.pk, api_key=NEW)
            rotated.set()
            wait_until(somebody_waits)
        test.result()

    config.refresh_from_db()
    assert config.api_key_encrypted.reveal() == NEW
    judged = (config.last_test_success, config.flag_reason)
    assert judged == ((None, "") if is_locked else wrong)


@pytest.mark.parametrize("is_compared", [True, False], ids=["compared", "not compared"])
def test_a_key_is_not_stored_with_an_address_that_is_just_being_changed(actor, is_compared):
    config = make_config(api_key=OLD, base_url="https://one.example/v1")

    def rotate():
        checked = config.base_url if is_compared else None
        changes.rotate_key(actor=actor, config_id=config.pk, api_key=NEW, checked_base_url=checked)

    with transaction.atomic():
        fields = {"base_url": "https://two.example/v1"}
        changes.update(actor=actor, config_id=config.pk, api_key="their-own-key", fields=fields)
        rotation = in_thread(rotate)
        wait_until(somebody_waits)
    refused = rotation.exception()

    stored = AIProviderConfig.objects.get()
    assert stored.base_url == "https://two.example/v1"
    if is_compared:
        assert isinstance(refused, EditConflict)
        assert stored.api_key_encrypted.reveal() == "their-own-key"
    else:
        assert stored.api_key_encrypted.reveal() == NEW
