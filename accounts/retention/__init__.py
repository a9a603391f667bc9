"""How long personal data are kept: rules of the installation, and the daily run that holds to them."""

from accounts.retention.kinds import KINDS, Kind, register

__all__ = ["KINDS", "Kind", "register"]
