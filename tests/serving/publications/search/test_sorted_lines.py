"""Lines of one text are found as they would be in a list."""

from __future__ import annotations

import gc
import tracemalloc

from hypothesis import given
from hypothesis import strategies as st

from serving.publications.search.index import SearchIndex, Title
from serving.publications.search.sorted_lines import SortedLines, places_of

WORDS = st.lists(st.text("abㄱ0", max_size=4), max_size=20)


@given(WORDS, st.text("abㄱ0", max_size=4))
def test_lines_are_found_by_what_they_are_begin_with_and_hold(words: list[str], wanted: str) -> None:
    ordered = sorted(words)
    lines = SortedLines(ordered)
    assert len(lines) == len(ordered)
    assert ordered[lines.equal(wanted)] == [word for word in ordered if word == wanted]
    assert ordered[lines.beginning(wanted)] == [word for word in ordered if word.startswith(wanted)]
    if wanted:
        holding = {ordered[at] for at in lines.at(places_of(lines.text, wanted))}
        assert holding == {word for word in ordered if wanted in word}


def test_an_index_leaves_few_objects_in_memory() -> None:
    titles = [Title(number, f"Title {number} of the {number % 89}th Night", 1990, 1) for number in range(5_000)]
    tracemalloc.start()
    index = SearchIndex(titles)
    gc.collect()
    statistics = tracemalloc.take_snapshot().statistics("filename")
    tracemalloc.stop()
    # A string for each of the 5,000 and more words would keep the pages around it.
    assert sum(one.count for one in statistics) < 1_000
    assert index.find("title 4321")[0] == 4321
