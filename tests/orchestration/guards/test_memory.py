"""What a process keeps of the gates that were used in it."""

from orchestration.guards.base import Gate
from orchestration.guards.memory import MANY_GATES, MemoryGuards
from tests.clocks import Clock, at

NOW = 1_800_000_000.0


async def test_gates_where_nothing_happens_are_forgotten():
    guards = MemoryGuards(Clock(NOW))
    for number in range(5 * MANY_GATES):
        gate = Gate(f"user:{number}", per_minute=5)
        await at(guards, NOW + number).enter(gate, "call", seconds=60)
        await guards.leave(gate, "call")

    assert len(guards._gates) <= MANY_GATES


async def test_gates_where_something_happens_are_not():
    guards = MemoryGuards(Clock(NOW))
    busy, slow, recent = Gate("busy", concurrent=1), Gate("slow", is_paced=True), Gate("recent", per_minute=1)
    await at(guards, NOW).enter(busy, "call", seconds=1e6)
    end = NOW + 3 * MANY_GATES
    await at(guards, end - 1).slow_down(slow, retry_after=1e6)
    await at(guards, end - 1).enter(recent, "call", seconds=1)
    for number in range(3 * MANY_GATES):
        await at(guards, NOW + number).enter(Gate(f"user:{number}", per_minute=5), "call", seconds=1)

    entries = [await at(guards, end).enter(gate, "next", seconds=1) for gate in (busy, slow, recent)]

    assert [entry.cause for entry in entries] == ["concurrency", "pace", "rate"]


async def test_looking_at_a_gate_and_leaving_one_keeps_nothing():
    guards = MemoryGuards(Clock(NOW))

    await guards.leave(Gate("user:1"), "call")
    await guards.gate_state(Gate("user:2"))

    assert not guards._gates
