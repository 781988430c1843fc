"""The form of API tokens: what is one, and what only looks like it."""

import zlib

from app.domain import apitokens

# Made once and written down: what was given out has to stay good.
KNOWN = "mooring_0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ1LP3Zj"


def test_a_new_token_has_the_published_form_and_no_two_are_alike() -> None:
    made = {apitokens.new() for _ in range(100)}

    assert len(made) == 100
    assert all(apitokens.PATTERN.fullmatch(token) and apitokens.is_one(token) for token in made)


def test_the_end_is_the_checksum_of_the_rest_in_base_62() -> None:
    digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
    value = 0
    for digit in KNOWN[-6:]:
        value = value * 62 + digits.index(digit)

    assert value == zlib.crc32(KNOWN[:-6].encode())
    assert apitokens.is_one(KNOWN)


def test_any_other_character_in_any_place_makes_it_none() -> None:
    token = apitokens.new()

    for place in range(len(token)):
        for other in "0Az_":
            if token[place] != other:
                assert not apitokens.is_one(token[:place] + other + token[place + 1 :])


def test_what_is_longer_shorter_or_of_other_letters_is_none() -> None:
    token = apitokens.new()

    for wrong in ("", "mooring_", token[:-1], token + "0", token + "\n", token.upper(), "é" * 50):
        assert not apitokens.is_one(wrong)


def test_what_is_kept_and_shown_does_not_give_it_away() -> None:
    token = apitokens.new()

    assert len(apitokens.digest(token)) == 32
    assert apitokens.hint(token) == token[:12]
