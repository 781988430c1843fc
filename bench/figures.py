"""Figures: one value for each round, and what is said of them together.

A figure of a round is already a percentile or a rate over many events of that round; the table
gives the median of the rounds and their lowest and highest. An aim is the most that it may be.
"""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Name:
    """What is measured, in which unit, and the most that it is meant to be."""

    what: str
    unit: str
    aim: float | None = None


@dataclass(slots=True)
class Figures:
    """The values of all rounds by name, in order of first appearance."""

    values: dict[Name, list[float]] = field(default_factory=dict)

    def add(self, what: str, unit: str, value: float, aim: float | None = None) -> None:
        """The value of one round."""
        self.values.setdefault(Name(what, unit, aim), []).append(value)

    def add_times(self, what: str, seconds: Sequence[float], aim: float | None = None) -> None:
        """p50 (which the aim is for) and p99 of one round, in milliseconds."""
        self.add(f"{what}, p50", "ms", 1000 * statistics.median(seconds), aim)
        self.add(f"{what}, p99", "ms", 1000 * percentile(seconds, 0.99))


def percentile(values: Sequence[float], part: float) -> float:
    """The smallest value that at least `part` of `values` do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))]
