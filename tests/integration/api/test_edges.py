"""Values at the edge of what a parameter may be: an answer, never a fault. Each was found by `make fuzz`."""

import pytest
import sqlalchemy as sa

from services.api.studies.models import EXAMPLE

from .conftest import Make, Server

LISTS = (
    "accounts", "alert-targets", "alerts", "api-keys", "audit", "bots", "jobs", "kill-switch", "markets", "passports",
    "reports", "schedules", "studies", "users",
)  # fmt: skip
LARGEST = "9" * 18


def test_a_cursor_beyond_every_id_gives_the_first_page(person: Make, store: sa.Engine) -> None:
    admin = person("admin")
    for name in LISTS:
        answer = admin.get(f"/v1/{name}", params={"cursor": LARGEST})
        assert (answer.status_code, answer.json()["items"]) == (200, admin.get(f"/v1/{name}").json()["items"]), name


def test_candles_end_where_years_have_four_digits(person: Make) -> None:
    asked = {"exchange": "binance", "symbol": "BTC/USDT", "timeframe": "1m"}
    assert person().get("/v1/candles", params=asked | {"cursor": 253_402_300_800_000}).status_code == 422


def test_a_candle_is_at_most_a_year_long(person: Make) -> None:
    asked = {"exchange": "binance", "symbol": "BTC/USDT", "timeframe": "49785d"}
    answer = person().get("/v1/candles", params=asked)
    assert (answer.status_code, answer.json()["detail"]) == (422, "timeframe: expected at most a year, found 49785d")


@pytest.mark.parametrize("start", ["0.5", "1767225600", "2026-01-31"])
def test_a_time_is_written_out(person: Make, start: str) -> None:
    answer = person().get("/v1/bots/1/equity", params={"start": start})
    assert answer.status_code == 422
    assert "2026-01-31T12:00:00Z" in answer.json()["detail"]


def test_arrays_are_described_so_that_all_tools_can_read_it(server: Server) -> None:
    document = server.app.openapi()
    assert document["components"]["schemas"]["Candles"]["properties"]["items"]["items"] == {
        "type": "array", "items": {"type": "number"}, "minItems": 6, "maxItems": 6,
    }  # fmt: skip


@pytest.mark.parametrize("url", ["http://V.[5", "http://[::1", "http://" + "x" * 70 + ".example"])
def test_an_address_that_is_none(person: Make, url: str) -> None:
    answer = person().post("/v1/accounts", {"name": "a", "exchange": "binance", "base_url": url})
    assert answer.status_code == (422 if "[" in url else 201), answer.text


def test_a_study_of_nonsense(person: Make) -> None:
    user = person()
    for line in ("amount = " + "9" * 5000, "amount = 1e99999999999999999999", "amount = " + "[" * 3000 + "]" * 3000):
        answer = user.post("/v1/studies/check", {"text": EXAMPLE.replace('investment = "10000"', line)})
        assert answer.status_code == 422
        assert len(answer.json()["detail"]) < 200
