"""Client order ids: pure, short, and readable again."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autogrid.core.orders import (
    GRID,
    MAX_CELL,
    MIN_CELL,
    REGRID,
    START,
    STOP,
    Key,
    OrderName,
    client_id,
    parse_client_id,
)
from autogrid.errors import InvalidInput

TAG = st.from_regex(r"[0-9A-Za-z]{2}", fullmatch=True)


@st.composite
def names(draw):
    kind = draw(st.sampled_from([START, GRID, STOP, REGRID]))
    cell = draw(st.integers(MIN_CELL, MAX_CELL)) if kind == GRID else -1
    first, last = {START: (0, 0), REGRID: (1, 62**4 - 1)}.get(kind, (0, 62**4 - 1))
    key = Key(kind, cell, draw(st.integers(first, last)))
    numbers = [draw(st.integers(0, 62**width - 1)) for width in (4, 2, 2)]
    return OrderName(draw(TAG), numbers[0], numbers[1], key, numbers[2])


@given(names())
def test_an_id_says_what_its_order_is_for(name):
    text = client_id(name)
    assert re.fullmatch(r"g[0-9A-Za-z]{17}", text)  # FAULTS fact 9: at most 18, not starting with "t"
    assert parse_client_id(text) == name


@given(names(), names())
def test_different_orders_have_different_ids(one, other):
    assert (client_id(one) == client_id(other)) == (one == other)


@given(st.one_of(st.text(max_size=20), st.from_regex(r"[a-fh-z][0-9A-Za-z]{17}", fullmatch=True)))
def test_foreign_ids_are_not_ours(text):
    assert parse_client_id(text) is None or (text[0] == "g" and len(text) == 18 and text.isascii())


@pytest.mark.parametrize("text", ["", "g", "x" * 18, "g" * 17, "g" * 19, "g-aaaaaaaaaaaaaaaa", "gäaaaaaaaaaaaaaaaa"])
def test_malformed_ids_are_not_ours(text):
    assert parse_client_id(text) is None


@pytest.mark.parametrize(
    ("field", "value", "most"),
    [("bot", 62**4, 62**4 - 1), ("generation", 62**2, 3843), ("attempt", -1, 3843), ("attempt", 3844, 3843)],
)
def test_a_number_that_does_not_fit_is_refused(field, value, most):
    name = OrderName("Aa", 1, 0, Key(GRID, 0, 0), 0)._replace(**{field: value})
    with pytest.raises(InvalidInput, match=f"{field} must be from 0 to {most} to fit a client order id, was {value}"):
        client_id(name)


@pytest.mark.parametrize("cell", [MIN_CELL - 1, MAX_CELL + 1])
def test_a_cell_that_no_slot_names_is_refused(cell):
    with pytest.raises(InvalidInput, match=f"cell must be from {MIN_CELL} to {MAX_CELL} to fit a client order id"):
        client_id(OrderName("Aa", 1, 0, Key(GRID, cell, 0), 0))
