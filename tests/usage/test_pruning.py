"""Old usage rows are archived before they are deleted, and their sums stay."""

import csv
import gzip
from dataclasses import replace
from datetime import date, timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from accounts.audit import Actor
from accounts.models import RetentionRule
from accounts.retention import KINDS
from accounts.retention import pruning as personal_data
from accounts.retention.pruning import prune as prune_personal_data
from tests.factories import make_config, make_user
from tests.usage.ended import by_hand, counted, make_call, make_many, utc
from usage import log_archive, pruning
from usage.alerts.judging import look
from usage.celery_tasks import prune_logs
from usage.models import AIProviderUsageLog, PersonRollup, QuotaCounter, RollupState, UsageRollup
from usage.pruning import PruningRefused, prune
from usage.stats import BREAKDOWNS, Period, breakdown, people, rollup, timeseries, totals, usage_stats
from usage.stats.verification import verify

pytestmark = [pytest.mark.slow, pytest.mark.django_db]

NOW = utc(2026, 6, 20, 15, 20)
# 62 days before; the days of the first two are pruned, the third stays.
OLD, HORIZON = utc(2026, 4, 16), utc(2026, 4, 18)


@pytest.fixture
def rows():
    users, configs = [make_user("one@example.com"), None], [make_config(), None]
    made = make_many(300, start=OLD, end=OLD + timedelta(days=3), users=users, configs=configs)
    AIProviderUsageLog.objects.filter(status="started").update(status="aborted", settled_at=OLD)
    return list(AIProviderUsageLog.objects.filter(pk__in=[row.pk for row in made]))


def pruned(directory, **overrides):
    return prune(**({"older_than_days": 63, "directory": directory, "now": NOW} | overrides))


def everything(zone="UTC"):
    period = Period.of_dates(first=date(2026, 4, 1), last=date(2026, 6, 20), tz=zone)
    answers = {by: {row.key: row.figures for row in breakdown(period=period, by=by)} for by in BREAKDOWNS}
    return answers | {"all": totals(period=period), "days": timeseries(period=period)}


def archived(directory):
    lines = []
    for path in sorted(directory.glob("*.csv.gz")):
        lines += csv.DictReader(StringIO(gzip.decompress(path.read_bytes()).decode()))
    return lines


def test_what_is_deleted_is_in_the_archive_and_every_figure_stays(rows, tmp_path, monkeypatch):
    monkeypatch.setattr(pruning, "ROWS_A_FILE", 40)
    rollup.refresh(now=NOW)
    before, stats = everything(), usage_stats(days=90, now=NOW)

    done = pruned(tmp_path)

    old = [row for row in rows if row.created_at < HORIZON]
    assert done.rows == len(old) > 100
    assert {int(line["id"]) for line in archived(tmp_path)} == {row.pk for row in old}
    assert AIProviderUsageLog.objects.count() == len(rows) - len(old)
    assert everything() == before
    assert usage_stats(days=90, now=NOW) == stats
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in tmp_path.glob("*.gz"))


def test_a_row_of_the_archive_says_what_the_row_said(tmp_path):
    row = make_call(
        OLD, error_message='said "no",\nand left', estimated_cost_usd=None, quota_keys=[["user:1", "day"]]
    )
    row.refresh_from_db()

    pruned(tmp_path)

    (line,) = archived(tmp_path)
    assert line["error_message"] == row.error_message
    assert line["created_at"] == row.created_at.isoformat()
    assert line["quota_keys"] == '[["user:1", "day"]]'
    assert line["estimated_cost_usd"] == ""


@pytest.mark.parametrize("zone", ["Africa/Nairobi", "Asia/Kathmandu", "America/New_York"])
def test_a_rebuild_after_pruning_loses_nothing_in_any_zone(rows, tmp_path, zone):
    pruned(tmp_path)
    before = everything(zone)

    rollup.rebuild(now=NOW)

    assert everything(zone) == before
    assert counted(before["all"]) == by_hand(rows)
    assert counted(sum((day.figures for day in before["days"]), type(before["all"])())) == by_hand(rows)
    assert list(verify()) == []


def test_rollups_of_another_shape_are_made_again_from_the_horizon_on(rows, tmp_path):
    pruned(tmp_path)
    before = everything()
    RollupState.objects.update(shape=0)

    at_once = everything()
    rollup.refresh(now=NOW)

    assert at_once == before == everything()


def test_a_run_that_died_between_archiving_and_deleting_is_resumed(rows, tmp_path, monkeypatch):
    rollup.refresh(now=NOW)
    before = everything()

    def dies(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(pruning, "_delete_archived", dies)
        with pytest.raises(KeyboardInterrupt):
            pruned(tmp_path)
    halfway = everything()
    done = pruned(tmp_path)

    old = [row.pk for row in rows if row.created_at < HORIZON]
    assert halfway == before == everything()
    assert done.rows == len(old)
    assert sorted(int(line["id"]) for line in archived(tmp_path)) == sorted(old)
    assert pruned(tmp_path).rows == 0


def test_a_row_that_an_archive_holds_otherwise_is_not_taken_for_archived(rows, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    of_day = AIProviderUsageLog.objects.filter(created_at__lt=OLD + timedelta(days=1))
    log_archive.write(other, OLD.date(), of_day)
    of_day.update(request_id="changed")

    pruned(other)

    first_day = [line for line in archived(other) if line["created_at"] < "2026-04-17"]
    assert sum(line["request_id"] == "changed" for line in first_day) == len(first_day) / 2 > 10


def test_no_file_is_written_over_when_another_was_taken_elsewhere(rows, tmp_path):
    first = log_archive.write(tmp_path, OLD.date(), rows[:2])
    second = log_archive.write(tmp_path, OLD.date(), rows[2:4])
    first.unlink()

    third = log_archive.write(tmp_path, OLD.date(), rows[4:6])

    assert [path.name[-12:] for path in (first, second, third)] == [f"0000{n}.csv.gz" for n in (1, 2, 3)]
    assert {int(line["id"]) for line in archived(tmp_path)} == {row.pk for row in rows[2:6]}


def test_nor_one_that_comes_while_it_is_written(rows, tmp_path):
    def coming():
        yield rows[0]
        (tmp_path / f"usage-{OLD:%Y-%m-%d}-00001.csv.gz").write_bytes(b"theirs")

    with pytest.raises(FileExistsError):
        log_archive.write(tmp_path, OLD.date(), coming())

    assert [path.read_bytes() for path in log_archive.files_of(tmp_path, OLD.date())] == [b"theirs"]


def test_a_damaged_archive_stops_everything(rows, tmp_path):
    path = log_archive.write(tmp_path, OLD.date(), rows[:5])
    path.write_bytes(path.read_bytes()[:-9])

    with pytest.raises(log_archive.ArchiveDamaged, match="00001"):
        pruned(tmp_path)

    assert AIProviderUsageLog.objects.count() == len(rows)


def test_a_day_with_an_open_call_holds_pruning_up(rows, tmp_path):
    AIProviderUsageLog.objects.filter(pk=rows[0].pk).update(
        status="started", settled_at=None, created_at=OLD + timedelta(days=1)
    )

    done = pruned(tmp_path)

    assert "2026-04-17 is still open" in done.held_up_by
    assert RollupState.objects.get().pruned_before == OLD + timedelta(days=1)
    assert AIProviderUsageLog.objects.filter(created_at__gte=OLD + timedelta(days=1)).exists()


def test_a_day_whose_rollups_differ_is_not_pruned(rows, tmp_path):
    rollup.refresh(now=NOW)
    old = next(row for row in rows if row.created_at < HORIZON)
    AIProviderUsageLog.objects.filter(pk=old.pk).update(plan="other")

    with pytest.raises(CommandError):
        call_command("roll_up_usage", "--verify")

    assert "are not what its rows say" in pruned(tmp_path).held_up_by
    assert AIProviderUsageLog.objects.filter(pk=old.pk).exists()


def test_a_user_and_a_provider_that_are_gone_do_not_hold_pruning_up(rows, tmp_path):
    rollup.refresh(now=NOW)
    before = everything()["all"]
    row = next(row for row in rows if row.user_id and row.provider_config_id and row.created_at < HORIZON)
    row.user.delete()
    row.provider_config.delete()

    call_command("roll_up_usage", "--verify")
    done = pruned(tmp_path)

    assert done.held_up_by == ""
    assert done.horizon == HORIZON
    assert everything()["all"] == before


def test_a_cell_that_a_user_who_is_gone_does_not_explain_holds_pruning_up(rows, tmp_path):
    rollup.refresh(now=NOW)
    row = next(row for row in rows if row.user_id and row.created_at < HORIZON)
    row.user.delete()
    cell = UsageRollup.objects.filter(dimension="user", provider=-1, key=str(row.user_id)).order_by("start")
    UsageRollup.objects.filter(pk=cell[0].pk).update(calls=cell[0].calls + 1)

    assert "are not what its rows say" in pruned(tmp_path).held_up_by


def test_people_who_are_forgotten_are_in_no_rollup_and_do_not_hold_pruning_up(rows, tmp_path):
    rollup.refresh(now=NOW)
    before = everything()["all"]
    RetentionRule.objects.create(kind="usage_people", days=62)

    prune_personal_data(actor=Actor.system(), now=utc(2026, 6, 18, 9))

    of_old = UsageRollup.objects.filter(dimension="user", start__lt=HORIZON - timedelta(days=1))
    assert {key for (key,) in of_old.values_list("key")} == {""}
    assert not PersonRollup.objects.filter(start__lt=HORIZON - timedelta(days=1)).exists()
    assert PersonRollup.objects.exists()
    call_command("roll_up_usage", "--verify")
    assert pruned(tmp_path).horizon == HORIZON
    assert everything()["all"] == before


def test_people_are_forgotten_of_the_sums_of_rows_that_are_gone(rows, tmp_path):
    pruned(tmp_path)
    before = everything()["all"]
    RetentionRule.objects.create(kind="usage_people", days=62)

    prune_personal_data(actor=Actor.system(), now=NOW + timedelta(days=10))

    assert not UsageRollup.objects.filter(dimension="user").exclude(key="").exists()
    assert not PersonRollup.objects.exists()
    assert everything()["all"] == before
    call_command("roll_up_usage", "--verify")


@pytest.mark.parametrize("dies_at", ["sums", "rows"])
def test_forgetting_people_that_was_killed_is_taken_up_again(rows, tmp_path, monkeypatch, dies_at):
    rollup.refresh(now=NOW)
    RetentionRule.objects.create(kind="usage_people", days=62)
    module, name = (people, "_join") if dies_at == "sums" else (personal_data, "_prune_some")
    whole, done = getattr(module, name), []

    def dies(*args):
        if done:
            raise KeyboardInterrupt
        done.append(args)
        return whole(*args)

    with monkeypatch.context() as patch:
        patch.setitem(KINDS, "usage_people", replace(KINDS["usage_people"], chunk=20))
        patch.setattr(module, name, dies)
        with pytest.raises(KeyboardInterrupt):
            prune_personal_data(actor=Actor.system(), now=NOW)
    call_command("roll_up_usage", "--verify")
    prune_personal_data(actor=Actor.system(), now=NOW)

    assert not UsageRollup.objects.filter(dimension="user", start__lt=HORIZON).exclude(key="").exists()
    call_command("roll_up_usage", "--verify")
    assert pruned(tmp_path).horizon == HORIZON


def test_the_worker_that_is_held_up_says_why_until_it_is_not(rows, tmp_path, settings, caplog):
    settings.USAGE_LOG_ARCHIVE, settings.USAGE_LOG_KEEP_DAYS = str(tmp_path), 62
    first = AIProviderUsageLog.objects.order_by("created_at")[0]
    AIProviderUsageLog.objects.filter(pk=first.pk).update(status="started", settled_at=None)

    prune_logs()
    held_up = [one for one in look(now=NOW).conditions if one.kind == "pruning_held_up"]
    first.delete()
    prune_logs()

    assert len(held_up) == 1
    assert "2026-04-16 is still open" in held_up[0].message
    assert "2026-04-16 is still open" in caplog.text
    assert "pruning_held_up" not in {one.kind for one in look(now=NOW).conditions}


def test_an_archive_that_cannot_be_written_is_said_too(rows, tmp_path, settings):
    settings.USAGE_LOG_ARCHIVE, settings.USAGE_LOG_KEEP_DAYS = str(tmp_path / "file" / "archive"), 62
    (tmp_path / "file").write_text("no directory")

    with pytest.raises(OSError, match="file"):
        prune_logs()

    assert "pruning_held_up" in {one.kind for one in look(now=NOW).conditions}


def test_too_few_days_are_refused_and_a_dry_run_changes_nothing(rows, tmp_path):
    with pytest.raises(PruningRefused, match="62"):
        pruned(tmp_path, older_than_days=61)

    done = pruned(tmp_path, dry_run=True)

    assert done.rows == sum(row.created_at < HORIZON for row in rows)
    assert AIProviderUsageLog.objects.count() == len(rows)
    assert list(tmp_path.iterdir()) == []


def test_a_second_run_at_once_is_refused(rows, tmp_path):
    with log_archive.locked(tmp_path), pytest.raises(PruningRefused, match="Another run"):
        pruned(tmp_path)


def test_counters_stay_as_they_are(rows, tmp_path):
    QuotaCounter.objects.create(scope="user:1", window="month:2026-04", used=77, reserved=0)

    pruned(tmp_path)

    assert QuotaCounter.objects.get().used == 77


def test_the_worker_prunes_only_where_a_setting_says_so(rows, tmp_path, settings):
    settings.USAGE_LOG_ARCHIVE = str(tmp_path)
    off = prune_logs()
    settings.USAGE_LOG_KEEP_DAYS = 62

    on = prune_logs()

    assert (off, on) == (0, len(rows))


@pytest.mark.postgres
def test_postgresql_takes_an_archive_back(rows, tmp_path):
    before = list(AIProviderUsageLog.objects.filter(created_at__lt=HORIZON).order_by("pk").values())
    pruned(tmp_path)

    with connection.cursor() as cursor:
        columns = ", ".join(field.column for field in AIProviderUsageLog._meta.concrete_fields)
        for path in tmp_path.glob("*.gz"):
            statement = f"COPY ai_provider_usage_logs ({columns}) FROM STDIN WITH (FORMAT csv, HEADER)"
            with cursor.copy(statement) as copy:
                copy.write(gzip.decompress(path.read_bytes()))

    assert list(AIProviderUsageLog.objects.filter(created_at__lt=HORIZON).order_by("pk").values()) == before
