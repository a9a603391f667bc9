"""Where the core rules stand, and which tests hold them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Group:
    """Modules, as patterns of paths, and the tests that have to notice a change in them."""

    modules: tuple[str, ...]
    tests: tuple[str, ...]


GROUPS = {
    "routing": Group(("orchestration/routing/*.py",), ("tests/orchestration",)),
    "calls": Group(
        tuple(f"orchestration/calls/{name}.py" for name in ("loop", "call", "outcomes", "voting")),
        ("tests/orchestration",),
    ),
    "pricing": Group(("usage/pricing.py", "usage/model_prices.py"), ("tests/usage",)),
    "quotas": Group(
        ("usage/quotas.py", "usage/quota_rules.py", "usage/ledger/limits.py"),
        ("tests/usage", "tests/orchestration/test_call_quotas.py"),
    ),
    "addresses": Group(
        ("extraction/addresses.py", "extraction/fetching.py"), ("tests/extraction/test_fetching.py",)
    ),
    "accounts": Group(
        ("accounts/audit.py", "accounts/models/audit.py", "accounts/step_up.py", "accounts/tokens.py"),
        ("tests/accounts",),
    ),
    "step-up": Group(("console/security/*.py",), ("tests/console/security",)),
    "probes": Group(
        ("orchestration/probes/*.py",),
        tuple(
            f"tests/orchestration/test_{name}.py"
            for name in ("health", "probes", "probes_effects", "probes_schedule")
        ),
    ),
    "guards": Group(("orchestration/guards/*.py",), ("tests/orchestration",)),
    "ledger": Group(
        tuple(f"usage/ledger/{name}.py" for name in ("portable", "rows", "holds", "base")),
        ("tests/usage", "tests/orchestration/test_call_quotas.py"),
    ),
}
