"""Whose name an acceptance bears: the one that the system has for a user's number."""

import os
import pwd

from keepwell.config.offer import user_name


def test_it_is_the_name_that_the_system_has() -> None:
    first = {entry.pw_uid: entry.pw_name for entry in reversed(pwd.getpwall())}
    assert first[os.geteuid()] == user_name(os.geteuid())
    assert {number: user_name(number) for number in first} == first


def test_a_number_without_a_name_is_its_own() -> None:
    assert user_name(3_999_999_999) == "3999999999"
