"""The pictures of the console: every page has one, every one is shown in the docs, and none is left over."""

import re
from pathlib import Path

from tests.browser import album

DOCS = Path(__file__).parents[2] / "docs"
IMAGES = DOCS / "images" / "console"
SHOWN = re.compile(r"!\[([^\]]+)\]\(images/console/([a-z0-9-]+)\.webp\)")


def test_every_page_has_a_picture_or_stands_with_one_of_its_kind(registered):
    missing = album.not_shown()

    assert set(missing) == {f"{registered}_{page}" for page in ("changelist", "add", "change")}
    assert album.stale() == []


def test_every_picture_is_there_and_shown_once_and_no_other_is():
    names = sorted(album.names())
    shown = SHOWN.findall((DOCS / "console.md").read_text())

    assert sorted(path.stem for path in IMAGES.iterdir()) == names
    assert sorted(name for _, name in shown) == names
    assert len({alt for alt, _ in shown}) == len(names)
