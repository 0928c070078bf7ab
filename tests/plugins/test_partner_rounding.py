"""What partners can learn of one customer, over all offsets that a secret may give."""

from collections import Counter
from itertools import pairwise
from statistics import fmean

from hypothesis import given
from hypothesis import strategies as st

from plugins.partner_rounding import BASE, offset_of, rounded, told

OFFSETS = range(BASE)
COUNTS = st.integers(0, 2_000)
MONTHS = st.lists(COUNTS, min_size=1, max_size=24)


@given(COUNTS)
def test_one_customer_more_changes_a_rounded_count_for_one_offset_in_20(count):
    assert sum(rounded(count, own) != rounded(count + 1, own) for own in OFFSETS) == 1


@given(COUNTS)
def test_rounding_is_to_a_neighbour_and_right_on_average(count):
    found = [rounded(count, own) for own in OFFSETS]

    assert all(own % BASE == 0 and abs(own - count) < BASE for own in found)
    assert fmean(found) == count


@given(MONTHS, st.sampled_from(OFFSETS))
def test_a_number_is_of_more_than_20_and_moves_when_more_than_20_have_changed(counts, offset):
    series = [rounded(count, offset) for count in counts]
    numbers = [told(series[: n + 1]) for n in range(len(series))]
    moved = [
        (0, None),
        *(
            (count, own)
            for count, own, before in zip(counts, numbers, [None, *numbers[:-1]], strict=True)
            if own != before
        ),
    ]

    assert all(count > BASE for count, own in moved if own)
    assert all(abs(later - earlier) > BASE for (earlier, own), (later, new) in pairwise(moved) if own and new)


@given(MONTHS, COUNTS)
def test_who_joins_changes_the_next_report_for_one_offset_in_20_at_most(before, now):
    changed = 0
    for offset in OFFSETS:
        series = [rounded(count, offset) for count in before]
        changed += told([*series, rounded(now, offset)]) != told([*series, rounded(now + 1, offset)])

    assert changed <= 1


@given(COUNTS, st.sampled_from(OFFSETS), st.integers(1, 30))
def test_a_count_that_stays_is_told_the_same_each_month(count, offset, months):
    assert told([rounded(count, offset)] * months) == told([rounded(count, offset)])


def test_offsets_are_each_thing_s_own_and_spread():
    drawn = Counter(offset_of("secret", "by year", str(year)) for year in range(20_000))

    assert set(drawn) == set(OFFSETS)
    assert max(drawn.values()) < 1.2 * min(drawn.values())
    assert offset_of("a", "b", "c") == offset_of("a", "b", "c")
    assert len({offset_of(f"{n}", "b", "c") for n in range(200)}) == BASE
