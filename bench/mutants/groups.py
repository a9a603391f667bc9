"""Where the core rules stand, and which tests hold them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Group:
    """Modules, as patterns of paths, and the tests that have to notice a change in them."""

    modules: tuple[str, ...]
    tests: tuple[str, ...]


def _modules(folder: str, *names: str) -> tuple[str, ...]:
    return tuple(f"{folder}/{name}.py" for name in names)


def _tests(folder: str, *names: str) -> tuple[str, ...]:
    return tuple(f"tests/{folder}/test_{name}.py" for name in names)


GROUPS = {
    "routing": Group(
        ("orchestration/routing/*.py",),
        _tests("orchestration", "routing", "spreading", "tiers", "policies", "call", "snapshot"),
    ),
    "calls": Group(
        _modules("orchestration/calls", "budget", "call", "outcomes", "voting", "loop"),
        (
            *_tests("orchestration", "call", "outcomes", "asking", "resilience", "voting"),
            *_tests("orchestration", "cancellation", "flags_by_calls"),
        ),
    ),
    "pricing": Group(
        _modules("usage", "pricing", "model_prices"), _tests("usage", "pricing", "estimates", "bill")
    ),
    "quotas": Group(
        (*_modules("usage", "quotas", "quota_rules"), "usage/ledger/limits.py"),
        _tests("usage", "quotas", "quota_rules", "estimates", "limits"),
    ),
    "addresses": Group(
        _modules("extraction", "addresses", "fetching"),
        _tests("extraction", "fetching", "addresses", "page_kinds"),
    ),
    "accounts": Group(
        (*_modules("accounts", "audit", "audit_chain", "step_up", "tokens"), "accounts/models/audit.py"),
        _tests("accounts", "audit", "command_trail", "step_up", "tokens", "token_families", "login",
               "second_factor", "second_factor_api"),
    ),
    "step-up": Group(("console/security/*.py",), ("tests/console/security",)),
    "probes": Group(
        ("orchestration/probes/*.py",),
        _tests("orchestration", "probe_asking", "health", "probes", "probes_effects", "probes_schedule"),
    ),
    "guards": Group(
        _modules("orchestration/guards", "base", "circuit", "fair_queue", "memory", "fallback", "admission"),
        (
            *("tests/orchestration/guards", "tests/orchestration/resilience/test_limits.py"),
            *_tests("orchestration", "waiting"),
        ),
    ),
    "ledger": Group(
        _modules("usage/ledger", "portable", "rows", "holds", "base"),
        (*_tests("usage", "portable_ledger", "rows", "sweep"), "tests/contract/test_ledger.py"),
    ),
}  # fmt: skip
