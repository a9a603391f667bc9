"""How a share is written, on every page and in every sentence."""

from __future__ import annotations

from decimal import Decimal

Share = float | Decimal


def in_percent(share: Share) -> str:
    """0.0425 as "4.3 %": one place at most, thousands told apart; a share that is not nothing does not read
    as nothing."""
    percents = 100 * share
    if 0 < percents < Decimal("0.05"):
        return "<0.1 %"
    text = f"{percents:,.1f}".removesuffix(".0")
    return "0 %" if text == "-0" else f"{text} %"
