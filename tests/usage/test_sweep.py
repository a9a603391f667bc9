"""The two ways the sweep is started."""

from datetime import timedelta

import pytest
from django.core.management import call_command

from tests.usage.attempts import NOON, make_attempt, run
from usage.celery_tasks import sweep
from usage.ledger import get_ledger
from usage.models import AIProviderUsageLog

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def abandoned(user):
    """A call whose time was up long ago."""
    long_ago = NOON - timedelta(days=2_000)
    reservation = run(get_ledger().reserve(make_attempt(user=user, started_at=long_ago)))
    return AIProviderUsageLog.objects.get(pk=reservation.log_id)


def test_the_periodic_task_closes_abandoned_calls(abandoned):
    assert sweep.apply(kwargs={"of_a_later_release": 1}).get() == 1

    abandoned.refresh_from_db()
    assert (abandoned.status, abandoned.error_kind, abandoned.swept) == ("aborted", "abandoned", True)


def test_the_command_reports_how_many_it_closed(abandoned, capsys):
    call_command("sweep_usage")
    call_command("sweep_usage")

    assert capsys.readouterr().out.splitlines() == ["1 usage rows closed", "0 usage rows closed"]
