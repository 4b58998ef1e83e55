"""Figures: what they draw, not how it looks."""

from services.web.parts import charts


def test_ladder_draws_levels_and_orders_apart() -> None:
    orders = [{"side": "buy", "price": "90"}, {"side": "sell", "price": "100"}]
    found = {each["name"]: each for each in charts.ladder(["90", "95", "100"], orders, (0, 9), (8, 9))}
    assert found["Levels"]["y"] == [90, 90, None, 95, 95, None, 100, 100, None]
    assert found["Buy orders"]["y"] == [90, 90, None]
    # Not by colour alone.
    assert found["Buy orders"]["line"]["dash"] != found["Sell orders"]["line"]["dash"]
    assert charts.ladder([], [], (0, 9), (8, 9)) == []


def test_lines_from_side_to_side_where_there_are_prices() -> None:
    (drawn,) = charts.across("Stop loss", ["85.5"], (0, 9), charts.SELL)
    assert (drawn["x"], drawn["y"]) == ([0, 9, None], [85.5, 85.5, None])
    assert charts.across("Stop loss", [], (0, 9), charts.SELL) == []


def test_heatmap_takes_the_best_and_leaves_out_what_was_refused() -> None:
    rows = [
        {"cells": 9, "lower": "5", "total_return": 0.1}, {"cells": 10, "lower": "5", "total_return": 0.2},
        {"cells": 10, "lower": "5", "total_return": 0.3}, {"cells": 9, "lower": "6", "error": "too poor"},
    ]  # fmt: skip
    drawn = charts.heatmap(rows, "cells", "lower", "total_return", "Total return", "percent")["data"][0]
    assert (drawn["x"], drawn["y"]) == (["9", "10"], ["5", "6"])  # by size, not by letters
    assert drawn["z"] == [[0.1, 0.3], [None, None]]


def test_an_empty_figure_says_why() -> None:
    assert charts.figure([], empty="nothing yet")["layout"]["annotations"][0]["text"] == "nothing yet"
    assert "annotations" not in charts.figure([charts.line("a", [1], [2])], empty="nothing yet")["layout"]


def test_backtest_begins_with_what_was_put_in() -> None:
    result = {"levels": ["1", "2"], "series": {"ts": [0, 60_000], "close": [2, 3], "equity": [10, 12]},
              "trades": [[0, "grid", 0, "buy", "1", "5"]]}  # fmt: skip
    price, equity = charts.backtest(result)
    assert [each["name"] for each in price["data"]] == ["Price", "Levels", "Buys"]
    assert equity["data"][1]["y"] == [10, 15]


def test_levels_of_a_grid_that_moved_are_drawn_while_they_were_there() -> None:
    result = {"levels": ["1", "2"], "series": {"ts": [0, 60_000], "close": [2, 3], "equity": [10, 12]},
              "level_spans": [["1", 0, 30_000], ["2", 0, 60_000], ["3", 30_000, 60_000]]}  # fmt: skip
    drawn = charts.backtest(result)[0]["data"][1]
    assert drawn["name"] == "Levels"
    assert drawn["y"] == [1, 1, None, 2, 2, None, 3, 3, None]
    assert len(set(drawn["x"][:2])) == 2


def test_decisions_of_a_strategy_are_marked_where_they_were_made() -> None:
    result = {"levels": ["1", "2"], "series": {"ts": [0, 60_000], "close": [2, 3], "equity": [10, 12]},
              "level_spans": [["1", 0, 30_000]],
              "decided": [[0, "grid", "2", "a grid"], [60_000, "refused", "3", None]]}  # fmt: skip
    drawn = charts.backtest(result)[0]["data"][2:]
    assert [(each["name"], each["y"], each["text"]) for each in drawn] == [
        ("New grid", [2], ["a grid"]),
        ("Refused", [3], [""]),
    ]
