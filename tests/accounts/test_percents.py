"""One way to write a share."""

from decimal import Decimal

import pytest

from accounts.percents import in_percent


@pytest.mark.parametrize(
    ("share", "said"),
    [
        (0, "0 %"), (1, "100 %"), (0.257, "25.7 %"), (0.0513, "5.1 %"), (0.0004, "<0.1 %"),
        (Decimal("0.125"), "12.5 %"), (100.684, "10,068.4 %"), (-0.05, "-5 %"),
        (-0.0, "0 %"), (-0.0001, "0 %"),
    ],
)  # fmt: skip
def test_a_share_has_one_place_at_most_and_is_not_nothing_unless_it_is(share, said):
    assert in_percent(share) == said
