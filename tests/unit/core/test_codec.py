"""Plans and positions as JSON and back, exactly."""

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from autogrid.core.codec import pack_plain, pack_plan, pack_position, unpack_plan, unpack_position
from autogrid.core.grid import Grid
from autogrid.core.ledger import Fee
from autogrid.core.market import Market
from tests.unit.core.grids import plans, trade_of, traded


def through_json(value):
    return json.loads(json.dumps(value))


@settings(max_examples=60, deadline=None)
@given(plans())
def test_grid_market_and_plan_come_back(planned):
    grid = Grid(**through_json(pack_plain(planned.grid)))
    market = Market(**through_json(pack_plain(planned.market)))
    assert (grid, market) == (planned.grid, planned.market)
    assert unpack_plan(through_json(pack_plan(planned)), grid, market) == planned


@settings(max_examples=150, deadline=None)
@given(traded(), st.data())
def test_a_position_comes_back_and_trades_on_alike(case, data):
    position, _ = case
    price = position.plan.start
    if data.draw(st.booleans()):
        intent = data.draw(st.sampled_from(position.wanted(price)))
        asset = data.draw(st.sampled_from(["quote", "base", "BNB"]))
        amount = data.draw(st.fractions(0, 10**6, max_denominator=10**12))
        position.apply(trade_of(position.plan, intent, 1)._replace(fee=Fee(asset, amount)))
    if data.draw(st.booleans()):
        position.stop("take_profit", data.draw(st.booleans()))
    packed = pack_position(position)
    again = unpack_position(through_json(packed), position.plan)
    assert again == position
    assert pack_position(again) == packed
    # What is packed shares nothing with the position that goes on.
    before = json.dumps(packed)
    for intent in position.wanted(price):
        for one in (position, again):
            one.apply(trade_of(one.plan, intent, intent.lots))
    assert json.dumps(packed) == before
    assert again == position
