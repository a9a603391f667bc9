"""What has to be true of the books and the guards whenever nothing is under way."""

from collections import Counter
from decimal import Decimal

from accounts import concurrency
from accounts.concurrency import in_database_thread, unfinished
from orchestration.guards.admission import circuit_key, gate_of
from orchestration.guards.base import Gate, get_guards
from orchestration.routing.candidates import Needs, candidates
from orchestration.routing.snapshot import current_snapshot
from tests.clocks import stopped
from tests.waiting import wait_until
from usage.ledger.limits import picos
from usage.models import AIProviderUsageLog, QuotaCounter, Status


def sums_of_rows():
    """{(scope, window): (used, reserved)} as the usage rows have it: tokens or pico-dollars, no zeros."""
    used, reserved = Counter(), Counter()
    for row in AIProviderUsageLog.objects.all():
        for scope, window, *picos_held in row.quota_keys:
            if picos_held:
                spent, held = picos(row.estimated_cost_usd or Decimal(0)), picos_held[0]
            else:
                spent, held = row.total_tokens, row.reserved_tokens
            used[scope, window] += spent
            reserved[scope, window] += held if row.status == Status.STARTED else 0
    return {key: (used[key], reserved[key]) for key in used if used[key] or reserved[key]}


def counters():
    """{(scope, window): (used, reserved)} as the quota counters have it; a refused call may leave an empty
    one, which is as good as none."""
    rows = QuotaCounter.objects.exclude(used=0, reserved=0).values_list("scope", "window", "used", "reserved")
    return {(scope, window): (used, reserved) for scope, window, used, reserved in rows}


def assert_books_balance(*sandboxes, left=0):
    """Every request has its row, no row is open, and the counters say what the rows add up to. Of callers who
    `left`, each may have gone between the row and the request, which nobody can tell afterwards."""
    wait_until(lambda: not unfinished())
    wait_until(lambda: not any(sandbox.hits()["in_flight"] for sandbox in sandboxes))
    assert not AIProviderUsageLog.objects.filter(status=Status.STARTED).exists()
    hits = sum(sandbox.hits()["total"] for sandbox in sandboxes)
    rows = AIProviderUsageLog.objects.filter(attempt__gte=1).count()
    assert hits <= rows <= hits + left, f"{rows} rows, {hits} requests"
    assert counters() == sums_of_rows()
    assert {reserved for _, reserved in counters().values()} <= {0}


def assert_nothing_is_held(*, user_ids=(), now):
    """No place at a gate and no probe of a circuit is anybody's once those who left are gone; at `now`, in
    seconds since the epoch, at which nothing lapses however long that takes."""
    held = []

    def nothing():
        held[:] = concurrency.run(_held(user_ids, now))
        return not held

    wait_until(nothing, else_say=held)


async def _held(user_ids, now):
    guards = get_guards()
    with stopped(guards, now):
        return await _held_at(guards, user_ids, now)


async def _held_at(guards, user_ids, now):
    snapshot = await in_database_thread(current_snapshot)
    gates = [gate_of(provider) for provider in snapshot.providers]
    gates += [Gate(f"user:{user_id}") for user_id in user_ids]
    held = []
    for gate in gates:
        if under_way := (await guards.gate_state(gate)).under_way:
            held.append((gate.key, under_way))
    keys = [circuit_key(one) for one in every_candidate(snapshot)]
    for key, circuit in zip(keys, await guards.circuits(keys), strict=True):
        if circuit.state(now) == "probing":
            held.append((key, circuit.probe))
    return held


def every_candidate(snapshot):
    tiers = ("fast", "quality")
    return [one for tier in tiers for one in candidates(snapshot, task="", tier=tier, needs=Needs())]
