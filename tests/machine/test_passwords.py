"""Passwords are only kept as hashes, and a hash gives its password to nobody."""

import pytest

from appliance.system import passwords

GOOD = "correct horse 🐎"


def test_a_password_matches_its_hash_and_no_other_does() -> None:
    stored = passwords.hashed(GOOD)
    assert passwords.is_hash(stored)
    assert passwords.is_usable(stored)
    assert GOOD not in stored
    assert passwords.matches(GOOD, stored)
    for wrong in ("", "correct horse", GOOD + " ", GOOD.upper(), stored):
        assert not passwords.matches(wrong, stored)


def test_the_same_password_has_another_hash_each_time() -> None:
    assert passwords.hashed(GOOD) != passwords.hashed(GOOD)


WHOLE = "scrypt$16$8$1$c2FsdHNhbHQ=$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="


@pytest.mark.parametrize(
    "damaged",
    [
        "scrypt$",
        WHOLE.replace("scrypt", "scrypt2"),
        WHOLE.replace("$16$", "$15$"),  # no power of two
        WHOLE.replace("$16$", "$0$"),
        WHOLE.replace("$16$", "$1048576$"),  # a gigabyte
        WHOLE.replace("$8$", "$0$"),
        WHOLE.replace("$1$", "$99$"),
        WHOLE.replace("c2FsdHNhbHQ=", ""),
        WHOLE.replace("c2FsdHNhbHQ=", "c2FsdHNhbHQ"),
        WHOLE[:-5],
        WHOLE + "=",
    ],
)
def test_a_damaged_hash_is_noticed_and_refuses_everybody(damaged: str) -> None:
    assert passwords.is_usable(WHOLE)
    assert not passwords.is_usable(damaged)
    assert not passwords.matches("", damaged)
