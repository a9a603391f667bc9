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
        _modules("orchestration/calls", "question", "call", "outcomes", "voting", "loop"),
        (
            *_tests("orchestration", "call", "outcomes", "asking", "resilience", "voting"),
            *_tests("orchestration", "cancellation", "flags_by_calls", "beginnings"),
        ),
    ),
    "pricing": Group(
        _modules("usage", "pricing", "unit_prices", "bill"),
        _tests("usage", "pricing", "unit_prices", "estimates", "bill"),
    ),
    "quotas": Group(
        ("usage/quotas.py", "usage/models/quota_rules.py", "usage/ledger/limits.py"),
        _tests("usage", "quotas", "quota_rules", "estimates", "limits"),
    ),
    "addresses": Group(
        (*_modules("extraction", "addresses", "fetching"), *_modules("providers", "public_addresses")),
        _tests("extraction", "fetching", "addresses", "page_kinds"),
    ),
    "accounts": Group(
        (*_modules("accounts", "audit", "audit_chain", "step_up"), "accounts/models/audit.py"),
        (
            *_tests("accounts", "audit", "audit_anchor", "command_trail", "step_up", "tokens"),
            *_tests("accounts", "token_families", "login", "second_factor", "second_factor_api", "bearers"),
            *_tests("drafting", "own_data", "retention"),
            *_tests("console", "person"),
        ),
    ),
    "logins": Group(
        _modules("accounts", "tokens"),
        _tests("accounts", "tokens", "token_families", "bearers", "login", "step_up"),
    ),
    "tokens": Group(
        _modules("accounts", "personal_tokens"),
        (*_tests("accounts", "personal_tokens", "bearers"), *_tests("door", "known_tokens", "chat")),
    ),
    "leaving": Group(
        _modules("accounts", "leaving", "nesting", "mentions"),
        (*_tests("accounts", "leaving", "nesting"), *_tests("drafting", "own_data")),
    ),
    "step-up": Group(("console/security/*.py",), ("tests/console/security",)),
    "probes": Group(
        ("orchestration/probes/*.py",),
        _tests("orchestration", "probe_asking", "health", "probes", "probes_effects", "probes_schedule"),
    ),
    "guards": Group(
        ("orchestration/guards/*.py",),
        (
            *("tests/orchestration/guards", "tests/orchestration/resilience/test_limits.py"),
            *_tests("orchestration", "waiting"),
        ),
    ),
    "ledger": Group(
        _modules("usage/ledger", "portable", "rows", "holds", "base", "beginnings"),
        (
            *_tests("usage", "portable_ledger", "rows", "sweep", "ledger_arithmetic"),
            *_tests("contract", "ledger", "ledger_leftovers", "ledger_money", "ledger_quotas"),
        ),
    ),
    "health": Group(
        ("aditus/liveness.py", "aditus/loop_views.py", "orchestration/api/health.py", "usage/health.py"),
        (
            *_tests("project", "health", "loop_views"),
            *_tests("orchestration", "health"),
            *_tests("usage", "health"),
            *_tests("usage/alerts", "watch"),
        ),
    ),
    "lists": Group(("console/cursor_pages.py",), _tests("console/usage", "log_pages")),
}  # fmt: skip
