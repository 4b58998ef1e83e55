"""Numbers and states as a reader wants them; nothing of the API's is taken for HTML."""

import pytest

from services.web.parts import show


@pytest.mark.parametrize(
    ("value", "digits", "expected"),
    [
        ("1234567.891", None, "1,234,567.89"), ("3.14159", None, "3.1416"), ("0.00001234", None, "0.00001234"),
        ("-5", None, "−5.00"), ("0", None, "0.00"), (None, None, "–"), ("-0.001", 2, "0.00"), ("2.5", 3, "2.500"),
        ("0.5", None, "0.50"),
    ],
)  # fmt: skip
def test_plain(value: str | None, digits: int | None, expected: str) -> None:
    assert show.plain(value, digits) == expected


@pytest.mark.parametrize(
    ("value", "text", "kind"), [("2", "+2.00", "good"), ("-2", "−2.00", "bad"), ("0.001", "0.00", "soft")]
)
def test_a_gain_has_a_sign_beside_its_colour(value: str, text: str, kind: str) -> None:
    assert show.signed(value, 2) == f'<span class="{kind}">{text}</span>'


@pytest.mark.parametrize(("size", "digits"), [("5000", 2), ("10", 3), ("0.5", 5), (None, 2), ("0", 2)])
def test_dear_coins_have_more_decimals(size: str | None, digits: int) -> None:
    assert show.digits_for(size) == digits


def test_exact_keeps_every_digit() -> None:
    assert show.exact("1000.10000000") == "1,000.1"
    assert show.exact("100") == "100"


def test_what_comes_from_the_api_is_escaped() -> None:
    evil = "<script>alert(1)</script>"
    for shown in (show.state(evil), show.link("/", evil), show.join([evil]), show.when("2026-01-31T12:00:00Z", "UTC")):
        assert "<script>" not in shown
    assert show.state("halted") == '<span class="chip bad"><span aria-hidden="true">✕</span> halted</span>'


def test_times_are_of_the_readers_zone() -> None:
    shown = show.when("2026-01-31T12:00:00Z", "Europe/Berlin", seconds=True)
    assert ">2026-01-31 13:00:00</time>" in shown
    assert show.when(None) == show.NONE
    assert show.ago(None) == "never"
