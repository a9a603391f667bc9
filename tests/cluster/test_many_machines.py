"""Three web processes behind a proxy, PostgreSQL with a standby, and one Redis: to a client they are one."""

import asyncio
import os
import sys
import time
from collections import Counter

import pytest

from accounts.concurrency import run
from orchestration.guards.circuit import CONSECUTIVE_FAILURES
from tests.books import assert_books_balance
from tests.cluster.clients import Load, chat, chats, post
from tests.servers import postgres_programs
from tests.waiting import until, wait_until
from usage.models import AIProviderUsageLog, QuotaCounter

pytestmark = [
    pytest.mark.postgres,
    pytest.mark.redis,
    pytest.mark.processes,
    pytest.mark.slow,
    # Its cluster is started once, by whichever process has all of it.
    pytest.mark.xdist_group("cluster"),
    pytest.mark.skipif(postgres_programs() is None, reason="needs initdb"),
]

CALLS_BETWEEN_RESTARTS = int(os.environ.get("CLUSTER_CALLS", "6"))
KILLS = int(os.environ.get("CLUSTER_KILLS", "1"))
STATS = "/api/v1/super-admin/providers/usage/stats"


@pytest.fixture(autouse=True)
def nothing_is_lost(cluster):
    """Whatever a test did: every request has its row, and the counters are what the rows add up to."""
    yield
    cluster.sweep()
    assert_books_balance(cluster.vendor, left=cluster.cut)
    rows = AIProviderUsageLog.objects.filter(attempt__gte=1).count()
    sys.stdout.write(f" {rows} rows, {asked(cluster)} requests, {cluster.cut} calls cut\n")


def asked(cluster):
    return cluster.vendor.hits()["total"]


def test_a_change_of_config_is_what_the_next_call_of_each_goes_by(cluster):
    _, token = cluster.person()
    config = cluster.only_config()
    for model in ("sandbox-mini", "sandbox-large", "sandbox-text"):
        config.model_name = config.quality_model_name = model
        config.save()
        before = Counter(cluster.vendor.hits()["by_model"])

        statuses = [chat(root, token, f"Say {model}.")[0] for root in cluster.roots]

        assert statuses == [200, 200, 200]
        assert Counter(cluster.vendor.hits()["by_model"]) - before == {model: 3}


def test_a_quota_is_one_for_all_and_never_overshot(cluster):
    limit = 300
    pk, token = cluster.person(daily_token_limit=limit)
    cluster.only_config()

    statuses = Counter(chats(cluster.roots, token, [f"Say {number}." for number in range(60)]))

    assert set(statuses) == {200, 429}
    assert used_of(pk) <= limit
    assert statuses[200] == AIProviderUsageLog.objects.filter(user=pk, attempt__gte=1).count()


def test_a_rate_is_one_for_all(cluster):
    _, token = cluster.person(requests_per_minute=4)
    cluster.only_config()

    statuses = chats(cluster.roots, token, [f"Say {number}." for number in range(12)])

    # A minute may have begun meanwhile.
    assert 4 <= statuses.count(200) <= 8
    assert set(statuses) == {200, 429}


def test_what_one_finds_out_of_a_vendor_all_know(cluster):
    _, token = cluster.person()
    cluster.only_config(model_name="sandbox-mini@server")
    chats([cluster.roots[0]], token, [f"Say {number}." for number in range(CONSECUTIVE_FAILURES)])
    before = asked(cluster)

    statuses = chats(cluster.roots[1:], token, ["Say one.", "Say two.", "Say three.", "Say four."])

    assert set(statuses) == {503}
    # A circuit that is half-open lets one through.
    assert asked(cluster) - before <= 1


def test_a_key_is_answered_once_whoever_it_comes_to(cluster):
    _, token = cluster.person()
    cluster.only_config()
    before = asked(cluster)

    named = {"Idempotency-Key": f"key-{time.time_ns()}"}
    replies = [chat(root, token, "Say it once.", **named) for root in cluster.roots]

    assert [status for status, _, _ in replies] == [200, 200, 200]
    assert [headers.get("Idempotent-Replayed") for _, headers, _ in replies] == [None, "true", "true"]
    assert replies[0][2] == replies[1][2] == replies[2][2]
    assert asked(cluster) - before == 1


def test_a_rolling_restart_under_load_fails_no_request(cluster):
    _, token = cluster.person()
    cluster.only_config(model_name="sandbox-mini@slow=0.5")

    answers = run(restart_each_under_load(cluster, token))

    assert set(answers) == {200}, Counter(answers)


async def restart_each_under_load(cluster, token):
    load = Load(cluster.proxy.url, token)
    calling = asyncio.create_task(load.run())
    try:
        for web in cluster.webs:
            enough = len(load.answers) + CALLS_BETWEEN_RESTARTS
            await until(lambda enough=enough: len(load.answers) >= enough)
            await asyncio.to_thread(replace, cluster.proxy, web)
    finally:
        load.stop()
        await calling
    return load.answers


def replace(proxy, web):
    """As a rollout does it: out of the rotation, told to end, and back when it is ready."""
    proxy.rest(web.port)
    web.terminate()
    web.start()
    web.wait_until_ready()
    proxy.send_to(web.port)


def test_one_that_is_killed_loses_no_call_and_bills_none_twice(cluster):
    pk, token = cluster.person()
    cluster.only_config(model_name="sandbox-mini@slow=2")

    answers = run(kill_under_load(cluster, token))
    cluster.cut += answers.count(-1)
    wait_until(lambda: not cluster.vendor.hits()["in_flight"])
    cluster.sweep()

    rows = AIProviderUsageLog.objects.filter(user=pk, attempt__gte=1)
    assert set(answers) == {200, -1}, "it had calls under way, and nobody else's were cut"
    assert rows.filter(status="success").count() >= answers.count(200)
    assert rows.count() <= len(answers)


async def kill_under_load(cluster, token):
    load = Load(cluster.proxy.url, token)
    calling = asyncio.create_task(load.run())
    try:
        for number in range(KILLS):
            victim = cluster.webs[number % len(cluster.webs)]
            enough = len(load.answers) + CALLS_BETWEEN_RESTARTS
            await until(lambda enough=enough: len(load.answers) >= enough)
            await asyncio.to_thread(victim.kill)
            victim.start()
            await asyncio.to_thread(victim.wait_until_ready)
    finally:
        load.stop()
        await calling
    return load.answers


def test_a_standby_that_lags_gives_old_figures_with_their_date_and_no_quota_room(cluster):
    limit = 300
    pk, token = cluster.person(daily_token_limit=limit)
    cluster.only_config(model_name="sandbox-replica")
    root = cluster.super_admin()
    patient, _, strict = cluster.roots
    assert chat(patient, token, "Say hello.")[0] == 200
    wait_until(lambda: calls_of_figures(patient, root) == 1)
    # After a standby was away it is left alone for a while.
    wait_until(lambda: figures(patient, root).as_of is not None)

    cluster.machines.standby.pause()
    try:
        statuses = Counter(chats(cluster.roots, token, [f"Say {number}." for number in range(60)]))
        old = figures(patient, root)
        wait_until(lambda: calls_of_figures(strict, root) == 1 + statuses[200])
        current = figures(strict, root)
    finally:
        cluster.machines.standby.resume()

    assert set(statuses) == {200, 429}
    assert used_of(pk) <= limit
    assert (old.calls, old.as_of is None) == (1, False)
    assert (current.calls, current.as_of) == (1 + statuses[200], None)
    # What it has caught up with, it says.
    wait_until(lambda: figures(patient, root).calls == 1 + statuses[200])
    wait_until(lambda: (figures(patient, root).as_of or "") > old.as_of)


def test_a_standby_that_is_away_is_not_missed(cluster):
    _, token = cluster.person()
    cluster.only_config(model_name="sandbox-away")
    root = cluster.super_admin()
    assert chat(cluster.roots[0], token, "Say hello.")[0] == 200
    cluster.machines.standby.stop()
    try:
        found = figures(cluster.roots[0], root, model="sandbox-away")
    finally:
        cluster.machines.standby.start()

    assert (found.calls, found.as_of) == (1, None)


class Found:
    def __init__(self, calls, as_of):
        self.calls, self.as_of = calls, as_of


def figures(root, token, model="sandbox-replica"):
    """What the statistics say of the calls to a model."""
    status, headers, body = post(root, STATS, None, token)
    assert status == 200, body
    rows = [row["total_calls"] for row in body["data"] if row["model_name"] == model]
    return Found(sum(rows), headers["Figures-As-Of"])


def calls_of_figures(root, token):
    return figures(root, token).calls


def used_of(pk):
    return QuotaCounter.objects.get(scope=f"user:{pk}", window__startswith="day:").used
