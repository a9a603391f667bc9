"""What a process keeps of the gates that were used in it."""

from orchestration.guards.base import Gate
from orchestration.guards.memory import MANY_GATES, MemoryGuards

NOW = 1_800_000_000.0


async def test_gates_where_nothing_happens_are_forgotten():
    guards = MemoryGuards()
    for number in range(5 * MANY_GATES):
        gate, now = Gate(f"user:{number}", per_minute=5), NOW + number
        await guards.enter(gate, "call", now=now, seconds=60)
        await guards.leave(gate, "call")

    assert len(guards._gates) <= MANY_GATES


async def test_gates_where_something_happens_are_not():
    guards = MemoryGuards()
    busy, slow, recent = Gate("busy", concurrent=1), Gate("slow", is_paced=True), Gate("recent", per_minute=1)
    await guards.enter(busy, "call", now=NOW, seconds=1e6)
    end = NOW + 3 * MANY_GATES
    await guards.slow_down(slow, now=end - 1, retry_after=1e6)
    await guards.enter(recent, "call", now=end - 1, seconds=1)
    for number in range(3 * MANY_GATES):
        await guards.enter(Gate(f"user:{number}", per_minute=5), "call", now=NOW + number, seconds=1)

    entries = [await guards.enter(gate, "next", now=end, seconds=1) for gate in (busy, slow, recent)]

    assert [entry.cause for entry in entries] == ["concurrency", "pace", "rate"]


async def test_looking_at_a_gate_and_leaving_one_keeps_nothing():
    guards = MemoryGuards()

    await guards.leave(Gate("user:1"), "call")
    await guards.gate_state(Gate("user:2"), now=NOW)

    assert not guards._gates
