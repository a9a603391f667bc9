"""How deeply what is sent may be nested."""

import pytest

from accounts.nesting import MOST_LEVELS, NestedTooDeeply, refuse_deep


def nested(levels, wrap):
    value = 1
    for _ in range(levels):
        value = wrap(value)
    return value


@pytest.mark.parametrize("wrap", [lambda value: [value], lambda value: {"a": 0, "b": value}])
def test_as_many_levels_as_are_allowed_and_no_more(wrap):
    refuse_deep(nested(MOST_LEVELS, wrap))

    for levels in (MOST_LEVELS + 1, 50_000):
        with pytest.raises(NestedTooDeeply, match="Flatten it"):
            refuse_deep(nested(levels, wrap))


@pytest.mark.parametrize("value", [None, 1, "text", [], {}, [[], {}], list(range(1000))])
def test_what_is_flat_is_not_deep(value):
    refuse_deep(value)
