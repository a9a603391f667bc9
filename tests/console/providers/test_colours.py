"""Vendor badges can be read: WCAG AA, 4.5:1, in light and dark.

The shares are those of `.vendor` in console/static/console/providers.css.
"""

import re

import pytest
from django.conf import settings

from providers.registry import PROVIDER_TYPES

CSS = settings.BASE_DIR / "console" / "static" / "console" / "providers.css"
WHITE, BLACK = (255, 255, 255), (0, 0, 0)
MIX = re.compile(r"(background|color): color-mix\(in srgb, var\(--vendor\) (\d+)%, (white|black)\)")


def colours_of(rule, vendor):
    """{property: (r, g, b)} as the browser mixes them for this vendor."""
    block = re.search(rf"^{re.escape(rule)} {{(.*?)}}", CSS.read_text(), re.DOTALL | re.MULTILINE)[1]
    own = tuple(int(vendor[at : at + 2], 16) for at in (1, 3, 5))
    mixed = {}
    for name, share, other in MIX.findall(block):
        rest = WHITE if other == "white" else BLACK
        mixed[name] = tuple(
            a * int(share) / 100 + b * (1 - int(share) / 100) for a, b in zip(own, rest, strict=True)
        )
    return mixed


def luminance(colour):
    parts = [value / 255 for value in colour]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("rule", [".vendor", ".dark .vendor"])
@pytest.mark.parametrize("vendor", sorted(PROVIDER_TYPES))
def test_a_badge_has_enough_contrast(rule, vendor):
    colours = colours_of(rule, PROVIDER_TYPES[vendor].colour)

    darker, lighter = sorted(luminance(colours[name]) for name in ("background", "color"))

    assert (lighter + 0.05) / (darker + 0.05) >= 4.5
