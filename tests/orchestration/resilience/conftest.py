import time

import pytest

from tests.books import assert_books_balance, assert_nothing_is_held


@pytest.fixture
def no_pauses(monkeypatch):
    """The pause before a request is tried again is drawn at random, which is the outermost seam there is."""
    monkeypatch.setattr("orchestration.resilience._jittered", lambda retries_here: 0.0)


@pytest.fixture
def the_books_balance(sandbox, user):
    """Whatever a test does, in the end every request has its row, and nothing is reserved or held."""
    yield
    assert_books_balance(sandbox)
    assert_nothing_is_held(user_ids=[user.pk], now=time.time())
