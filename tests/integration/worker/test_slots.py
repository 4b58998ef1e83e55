"""Slots for long work are held by processes: a killed one gives its slot back."""

import subprocess
import sys
from collections.abc import Iterator

import pytest

from services.worker import slots

#: Takes a slot of the file that it inherits, says so, and stays.
SIT = """
import os, sys
from services.worker import slots
slots._file, slots._slots = os.fdopen(int(sys.argv[1]), "r+b"), int(sys.argv[2])
with slots.one() as free:
    print(free, flush=True)
    sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def nobody_else(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(slots, "_file", None)
    monkeypatch.setattr(slots, "_slots", 0)
    yield
    if slots._file is not None:
        slots._file.close()


def sit() -> tuple["subprocess.Popen[str]", str]:
    """A process that takes a slot if it can, and its answer."""
    assert slots._file is not None
    number = slots._file.fileno()
    child = subprocess.Popen(
        [sys.executable, "-c", SIT, str(number), str(slots._slots)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, pass_fds=[number],
    )  # fmt: skip
    assert child.stdout is not None
    return child, child.stdout.readline().strip()


def test_all_children_but_one_may_do_long_work_and_the_dead_hold_nothing() -> None:
    slots.make(3)
    children, answers = zip(sit(), sit(), sit(), strict=True)
    try:
        assert answers == ("True", "True", "False")
        with slots.one() as free:
            assert not free
    finally:
        for child in children:
            child.kill()
            child.communicate()
    with slots.one() as free:
        assert free


def test_a_single_child_and_code_outside_of_workers_are_not_held_up() -> None:
    with slots.one() as free:
        assert free
    slots.make(1)
    with slots.one() as free:
        assert free
