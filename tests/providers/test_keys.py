"""Keys by their look: what cannot be one, and one that is certainly wrong."""

import pytest

from providers.credentials.keys import flaw_of, lookalike, stripped


@pytest.mark.parametrize("key", ["", "sk-0123456789", "AIza_x-1.2", "any!text#at~all", "it's"])
def test_what_a_header_carries_has_no_flaw(key):
    assert flaw_of(key) == ""


@pytest.mark.parametrize(
    ("key", "flaw"),
    [
        ("a b", "space"),
        ("a\n", "line break"),
        ("a\x00", "letter"),
        ("\u00e4", "letter"),
        ("\ud800", "letter"),
        ("\u201csk-1\u201d", "letter"),
        ('"sk-1"', "quotes"),
        ("'sk-1'", "quotes"),
        ("sk-1`", "quotes"),
    ],
)
def test_a_flaw_is_named(key, flaw):
    assert flaw in flaw_of(key)


def test_what_is_invisible_at_the_ends_is_taken_off():
    assert stripped("\ufeff\u00a0 sk-1\t\r\n\u200b") == "sk-1"


@pytest.mark.parametrize(
    ("key", "prefix"),
    [
        ("sk-ant-api03-abcdefghijklmnop", "sk-ant-api03-"),
        ("gsk_abcdefghijklmnop", "gsk_"),
        ("AIzaSyabcdefghijklmnop", ""),
        ("my-own-key", ""),
        ("x", ""),
    ],
)
def test_a_lookalike_keeps_the_public_prefix_and_nothing_else(key, prefix):
    wrong = lookalike(key)

    assert wrong.startswith(f"{prefix}invalid")
    assert flaw_of(wrong) == ""
    assert len(wrong) >= len(key)
    assert key[len(prefix) :] not in wrong or len(key) == 1
    assert wrong != lookalike(key)
