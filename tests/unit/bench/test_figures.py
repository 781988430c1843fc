"""What a table says of the rounds."""

from __future__ import annotations

from bench.figures import Figures, percentile
from bench.table import rendered


def test_a_percentile_is_one_of_the_values() -> None:
    values = [float(number) for number in range(100, 0, -1)]

    assert percentile(values, 0.99) == 100
    assert percentile(values, 0.5) == 51
    assert percentile([7.0], 0.99) == 7


def test_a_row_has_the_median_of_the_rounds_their_spread_and_whether_the_aim_is_met() -> None:
    figures = Figures()
    for value in (3.0, 1.0, 2.0):
        figures.add("without an aim", "1/s", 1000 * value)
        figures.add("quick", "ms", value, aim=2)
        figures.add("slow", "ms", 10 * value, aim=19)

    lines = rendered(figures, {"cores": "2"}).splitlines()
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines if "|" in line]

    assert "- cores: 2" in lines
    assert rows[2:] == [
        ["quick", "ms", "2.00", "1.00 to 3.00", "≤ 2", "met"],
        ["slow", "ms", "20.0", "10.0 to 30.0", "≤ 19", "MISSED"],
        ["without an aim", "1/s", "2,000", "1,000 to 3,000", "", ""],
    ]
