import time

import pytest

from tests.books import assert_books_balance, assert_nothing_is_held


@pytest.fixture
def the_books_balance(sandbox, user):
    """Whatever a test does, in the end every request has its row, and nothing is reserved or held."""
    yield
    assert_books_balance(sandbox)
    assert_nothing_is_held(user_ids=[user.pk], now=time.time())
