"""Warnings that are recorded while others, who may be left behind at it, record their own."""

import warnings
from contextlib import ExitStack

import pytest

from plugins.deprecation import heard
from recommenders.failing import warn_anew, warned_once


@pytest.mark.parametrize("recorded", [lambda: warned_once("mine"), lambda: heard([])], ids=["learning", "loading"])
@pytest.mark.parametrize("records", [False, True])
def test_what_is_left_behind_in_a_block_of_its_own_keeps_no_later_warning_from_being_shown(recwarn, recorded, records):
    warn_anew()
    left = ExitStack()
    with recorded():
        warnings.warn("meanwhile", stacklevel=1)
        left.enter_context(warnings.catch_warnings(record=records))
    left.close()
    warnings.warn("after", stacklevel=1)

    assert [str(one.message).removeprefix("mine, in learning: ") for one in recwarn] == ["meanwhile", "after"]
