"""Takes docs/images/console anew: `python -m tests.browser.screenshots`, after a page changed its looks."""

import sys
from pathlib import Path

import pytest

if __name__ == "__main__":
    pictures = Path(__file__).with_name("pictures.py")
    sys.exit(pytest.main([str(pictures), "-q", "-p", "no:randomly", *sys.argv[1:]]))
