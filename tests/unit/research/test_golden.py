"""Every study in backtests/ gives what it gave, to the last unit."""

import json

import pytest

from backtests import regenerate


def test_every_study_has_a_golden_result_and_no_result_is_left_over() -> None:
    kept = {path.stem for path in (regenerate.HERE / "golden").glob("*.json")}
    assert kept == set(regenerate.studies())
    assert {"demo", "bitmex_2018_2019"} <= kept


@pytest.mark.parametrize("name", regenerate.studies())
def test_a_study_gives_its_golden_result(name: str) -> None:
    candles = regenerate.candles_of(name)
    if candles is None:
        pytest.skip(f"the candles of {name} are not here: they are no part of the project")
    kept = json.loads(regenerate.golden_file(name).read_text())
    found = regenerate.result_of(name, candles)
    # Floats may differ in their last bits between processors; everything booked is exact.
    assert found.pop("metrics") == pytest.approx(kept.pop("metrics"), rel=1e-9, abs=1e-12)
    assert found == kept


def test_writing_them_anew_changes_nothing_but_what_can_be_made(
    monkeypatch: pytest.MonkeyPatch, tmp_path: pytest.TempPathFactory
) -> None:
    said: list[str] = []
    monkeypatch.setattr(regenerate, "studies", lambda: ["demo", "bitmex_2018_2019"])
    monkeypatch.setattr(regenerate, "DATA", tmp_path)
    monkeypatch.setattr(regenerate, "golden_file", lambda name: tmp_path / name)  # type: ignore[operator]
    regenerate.main(said.append)
    assert said[1] == "bitmex_2018_2019: no candles, left as it is"
    assert json.loads((tmp_path / "demo").read_text())["fills"] > 1000  # type: ignore[operator]
