from __future__ import annotations

from serving.recommendations.pages.charts import chart


def test_bars_stand_on_the_axis_and_reach_their_share_of_a_round_maximum() -> None:
    drawn = chart([("2015", 300), ("2016", 150)])
    # The axis ends at 500; 200 units of height are 640 x 240 less the margins, so 300 are 120 high and 150 are 60.
    assert drawn.ticks == [(216.0, 0), (116.0, 250), (16.0, 500)]
    assert [(mark.height, mark.y) for mark in drawn.marks] == [(120.0, 96.0), (60.0, 156.0)]
    assert drawn.points == "192.0,96.0 480.0,156.0"


def test_a_given_maximum_is_the_end_of_the_axis_and_no_values_are_no_marks() -> None:
    assert chart([("2015", 2.5)], highest=5).marks[0].height == 100.0
    assert chart([]).marks == []


def test_of_many_labels_some_are_shown() -> None:
    assert [mark.label for mark in chart([(str(n), 1) for n in range(25)]).marks if mark.labelled] == [
        *("0", "3", "6", "9", "12", "15", "18", "21", "24")
    ]
