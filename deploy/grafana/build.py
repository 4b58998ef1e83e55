"""Write dashboards/*.json from panels.yml: python deploy/grafana/build.py [--check]."""

import sys
from pathlib import Path
from typing import Any

import yaml
from grafana_foundation_sdk.builders import dashboard, prometheus, stat, table, timeseries
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import DashboardLinkType, DataSourceRef, Threshold, ThresholdsMode

HERE = Path(__file__).parent
_SOURCE = DataSourceRef(type_val="prometheus", uid="prometheus")
#: kind -> builder, width, height in Grafana's grid of 24 columns.
_KINDS = {"timeseries": (timeseries.Panel, 8, 7), "stat": (stat.Panel, 4, 4), "table": (table.Panel, 8, 7)}


def _panel(spec: dict[str, Any], number: int) -> Any:
    kind = spec.get("kind", "timeseries")
    builder, width, height = _KINDS[kind]
    built = builder().id(number).title(spec["title"]).unit(spec.get("unit", "short")).datasource(_SOURCE)
    built.span(spec.get("width", width)).height(spec.get("height", height)).description(spec.get("about", ""))
    for letter, (query, legend) in zip("ABCDEFGH", spec["queries"].items(), strict=False):
        target = prometheus.Dataquery().expr(query).ref_id(letter).legend_format(legend)
        built.with_target(target.range() if kind == "timeseries" else target.instant())
    if kind == "timeseries":
        built.min(0)
    if "limit" in spec:
        steps = [Threshold(value=None, color="green"), Threshold(value=spec["limit"], color="red")]
        built.thresholds(dashboard.ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(steps))
    return built


def build(board: dict[str, Any]) -> str:
    """The JSON of one dashboard: the same input gives the same bytes."""
    built = dashboard.Dashboard(board["title"]).uid(board["uid"]).tags(["autogrid"]).readonly()
    built.time("now-6h", "now").refresh("30s").timezone("browser")
    others = dashboard.DashboardLink("AutoGrid").type(DashboardLinkType.DASHBOARDS).tags(["autogrid"])
    built.link(others.as_dropdown(True).keep_time(True).include_vars(True))
    number = 1
    for title, panels in board["rows"].items():
        built.with_row(dashboard.Row(title).id(number))
        for spec in panels:
            number += 1
            built.with_panel(_panel(spec, number))
        number += 1
    return JSONEncoder(sort_keys=True, indent=1).encode(built.build()) + "\n"


def main(arguments: list[str], here: Path = HERE) -> None:
    """Write the files, or with --check say which differ from what would be written."""
    boards = yaml.safe_load((here / "panels.yml").read_text(encoding="utf-8"))
    out = here / "dashboards"
    wanted = {out / f"{board['uid']}.json": build(board) for board in boards}
    if arguments == ["--check"]:
        stale = [path.name for path, text in wanted.items() if not path.is_file() or path.read_text() != text]
        stale += [path.name for path in out.glob("*.json") if path not in wanted]
        if stale:
            sys.exit(
                f"expected what build.py writes, found something else in {', '.join(stale)}. Run it without --check"
            )
        return
    out.mkdir(exist_ok=True)
    for path, text in wanted.items():
        path.write_text(text)


if __name__ == "__main__":
    main(sys.argv[1:])
