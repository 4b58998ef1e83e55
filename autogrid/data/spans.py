"""Arithmetic on half-open stretches of time, (start, end) in ms."""

from collections.abc import Iterable

Stretch = tuple[int, int]


def merge(spans: Iterable[Stretch]) -> list[Stretch]:
    """The union as ordered stretches that do not touch; empty ones vanish."""
    merged: list[Stretch] = []
    for start, end in sorted(span for span in spans if span[0] < span[1]):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def missing(wanted: Stretch, spans: Iterable[Stretch]) -> list[Stretch]:
    """What of `wanted` no span covers, in order."""
    holes: list[Stretch] = []
    at, stop = wanted
    for start, end in merge(spans):
        if start >= stop:
            break
        if start > at:
            holes.append((at, start))
        at = max(at, end)
    if at < stop:
        holes.append((at, stop))
    return holes
