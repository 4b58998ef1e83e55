"""The cost table adds up, stays in the range each tier promises, and fits the app specs in deploy/."""

from decimal import Decimal
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from autogrid.cli.app import app
from autogrid.cli.cost import Cost, Part, cost, parts_of, table
from autogrid.errors import InvalidInput

SPECS = Path(__file__).parents[3] / "deploy" / "digitalocean"
PRICES, TIERS = table()
NAMED = {tier.name: tier for tier in TIERS}


def test_every_size_has_a_price() -> None:
    assert [tier.name for tier in TIERS] == ["mvp", "0-50", "staging", "50-200", "200+"]
    assert {part.size for tier in TIERS for part in tier.parts} <= set(PRICES)


@pytest.mark.parametrize("tier", TIERS, ids=lambda tier: tier.name)
def test_a_tier_costs_what_it_promises(tier: object) -> None:
    found = cost(tier.parts, PRICES)  # type: ignore[attr-defined]
    low, _, high = tier.target.partition("-")  # type: ignore[attr-defined]
    if high:
        assert Decimal(low) <= found.low <= found.high <= Decimal(high)
    else:
        assert abs(found.low - Decimal(low)) <= Decimal(low) * Decimal("0.12")
        assert found.low == found.high


def test_sums_by_hand() -> None:
    assert cost([], PRICES) == Cost(Decimal(0), Decimal(0))
    parts = [Part("a", "apps-d-1vcpu-1gb", 2, 4), Part("b", "s-2vcpu-4gb")]
    assert cost(parts, PRICES) == Cost(Decimal("92.00"), Decimal("160.00"))
    assert cost(NAMED["0-50"].parts, PRICES).low == Decimal("44.15")
    with pytest.raises(InvalidInput, match=r"x: expected a size with a price in cost.toml, found 'huge'"):
        cost([Part("x", "huge")], PRICES)


@pytest.mark.parametrize(("file", "tier"), [("staging", "staging"), ("production", "50-200")])
def test_app_specs_are_their_tiers(file: str, tier: str) -> None:
    spec = yaml.safe_load((SPECS / f"{file}.yaml").read_text())
    expected = {part for part in NAMED[tier].parts if part.name != "monitoring"}
    databases = {
        part.name: (part.size.split("-", 1)[1], part.count) for part in expected if part.name in ("postgres", "valkey")
    }
    assert set(parts_of(spec, databases)) == expected


def test_spec_with_autoscaling_and_an_unknown_database() -> None:
    scaling = {"min_instance_count": 2, "max_instance_count": 5}
    spec = {
        "services": [{"name": "api", "instance_size_slug": "apps-d-1vcpu-1gb", "autoscaling": scaling}],
        "workers": [{"name": "w"}],
        "databases": [{"name": "pg", "engine": "PG"}],
    }
    assert parts_of(spec, {"pg": ("db-s-1vcpu-1gb", 2)}) == [
        Part("api", "apps-d-1vcpu-1gb", 2, 5),
        Part("w", "apps-s-1vcpu-0.5gb"),
        Part("pg", "pg-db-s-1vcpu-1gb", 2, 2),
    ]
    with pytest.raises(InvalidInput, match="database pg: expected its size"):
        parts_of(spec, {})


def run(*arguments: str) -> str:
    result = CliRunner().invoke(app, ["ops", "cost", *arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_command(tmp_path: Path) -> None:
    assert "$44.15 a month" in run()
    assert "2-4 x apps-d-1vcpu-1gb" in run("--tier", "200+")
    with pytest.raises(InvalidInput, match="tier: expected one of mvp"):
        run("--tier", "9")
    databases = ["--database", "postgres=db-s-1vcpu-2gb", "--database", "valkey=db-s-1vcpu-1gb"]
    assert "$146.45" in run("--spec", str(SPECS / "production.yaml"), *databases)
    with pytest.raises(InvalidInput, match="--database: expected NAME="):
        run("--spec", str(SPECS / "production.yaml"), "--database", "postgres")
    for content in ("a: [", "text"):
        (tmp_path / "bad.yaml").write_text(content)
        with pytest.raises(InvalidInput, match="expected an app spec in YAML"):
            run("--spec", str(tmp_path / "bad.yaml"))
