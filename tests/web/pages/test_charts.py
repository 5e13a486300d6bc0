"""Charts: bars within their drawing."""

import pytest

from web.pages.charts import HEIGHT, stacked


def test_bars_stand_on_each_other_within_the_drawing() -> None:
    chart = stacked(["a", "b", "c"], {"one": [1, 0, 500], "other": [1, 0, 500]})

    assert [len(bar.segments) for bar in chart.bars] == [2, 0, 2]
    assert chart.top == 1_000
    assert chart.total("one") == 501
    for bar in chart.bars:
        for below, above in zip(bar.segments, bar.segments[1:], strict=False):
            assert above.y + above.height == pytest.approx(below.y, abs=0.02)
        for segment in bar.segments:
            assert segment.y >= 0
            assert segment.y + segment.height <= HEIGHT + 0.01
    assert stacked([], {"one": []}).is_empty
