"""A/B tests of providers, models and prompts: who gets which arm, what became of it, and what follows.

`assignment` is pure and part of the routing snapshot; `lifecycle` starts and stops, `promotion` puts a winner
into force; `feedback` keeps ratings; `counts` and `results` count and compare, with the formulas of
`intervals`.
"""

from orchestration.experiments.assignment import Arm, RunningExperiment, assigned_arm

__all__ = ["Arm", "RunningExperiment", "assigned_arm"]
