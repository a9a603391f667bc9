"""`manage.py test_providers`, for a nightly job."""

import json

import pytest
from django.core.management import CommandError, call_command

from tests.factories import make_config
from tests.orchestration.conftest import config_at  # noqa: F401 - a fixture

pytestmark = pytest.mark.django_db(transaction=True)


def test_keys_that_work_are_listed_and_recorded(config_at, capsys):  # noqa: F811
    config = config_at(display_name="Main")
    make_config(is_active=False)

    call_command("test_providers")

    [line] = capsys.readouterr().out.splitlines()
    assert (str(config.pk) in line, "Main" in line, "works" in line) == (True, True, True)
    config.refresh_from_db()
    assert config.last_test_success is True


def test_one_that_is_refused_makes_the_run_a_failure_that_programs_can_read(config_at, sandbox, capsys):  # noqa: F811
    works = config_at(display_name="Main", priority=1)
    refused = config_at(display_name="Second", provider_type="claude")
    sandbox.fault("auth", on="models", vendor="anthropic", times=5)

    with pytest.raises(CommandError, match="1 of 2 keys"):
        call_command("test_providers", format="json")

    found = {one["config_id"]: one for one in json.loads(capsys.readouterr().out)}
    assert {pk: (one["outcome"], one["is_in_order"]) for pk, one in found.items()} == {
        works.pk: ("works", True),
        refused.pk: ("refused", False),
    }
    refused.refresh_from_db()
    assert refused.flagged_at is not None


def test_a_dry_run_records_nothing(config_at):  # noqa: F811
    config = config_at()

    call_command("test_providers", "--dry-run")

    config.refresh_from_db()
    assert config.last_tested_at is None


def test_nothing_to_test_is_no_success():
    with pytest.raises(CommandError, match="No provider is active"):
        call_command("test_providers")
