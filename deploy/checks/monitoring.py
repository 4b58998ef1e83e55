"""Prometheus, Alertmanager and Grafana: files, tests, routes, expressions, and the metrics they speak of."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import promql_parser
import yaml

from . import run, tool

_PROMETHEUS = "prometheus"
#: Labels that the scrape adds to every series.
_TARGET = {"job", "service", "instance"}
#: severity -> receiver.
ROUTES = {"critical": "pager", "warning": "chat", "info": "mail", "unheard-of": "chat"}


def _rules(root: Path) -> Iterator[dict[str, Any]]:
    for path in sorted((root / "deploy" / "prometheus" / "rules").glob("*.yml")):
        for group in yaml.safe_load(path.read_text(encoding="utf-8"))["groups"]:
            yield from group["rules"]


def prometheus(root: Path) -> list[str]:
    """promtool accepts configuration and rules, and all its tests of the rules pass."""
    promtool, folder = tool("promtool", _PROMETHEUS), root / "deploy" / "prometheus"
    problems = run(promtool, "check", "config", folder / "prometheus.yml")
    problems += run(promtool, "check", "config", "--agent", folder / "agent.yml")
    problems += run(promtool, "check", "rules", *sorted((folder / "rules").glob("*.yml")))
    return problems or run(promtool, "test", "rules", *sorted((folder / "tests").glob("*.yml")))


def alerts(root: Path) -> list[str]:
    """Each alert has a severity, texts and a runbook section, and tests in which it fires and in which it does not."""
    fires, silent = _tested(root)
    runbook = (root / "deploy" / "RUNBOOK.md").read_text(encoding="utf-8")
    sections = {
        re.sub(r"[^\w-]", "", title.lower().replace(" ", "-"))
        for title in re.findall(r"^#+ (.+)$", runbook, re.MULTILINE)
    }
    problems = []
    for rule in _rules(root):
        name = rule.get("alert")
        if name is None:
            continue
        if rule.get("labels", {}).get("severity") not in ROUTES:
            problems.append(f"{name}: expected severity critical, warning or info")
        missing = {"summary", "description", "runbook_url"} - set(rule.get("annotations", {}))
        problems += [f"{name}: expected annotation {item}" for item in sorted(missing)]
        anchor = rule.get("annotations", {}).get("runbook_url", "").partition("#")[2]
        if anchor not in sections:
            problems.append(f"{name}: expected a section of deploy/RUNBOOK.md with the anchor #{anchor}")
        if name not in fires:
            problems.append(f"{name}: expected a test in which it fires")
        if name not in silent:
            problems.append(f"{name}: expected a test in which it does not fire")
    return problems


def _tested(root: Path) -> tuple[set[str], set[str]]:
    fires, silent = set(), set()
    for path in (root / "deploy" / "prometheus" / "tests").glob("*.yml"):
        for group in yaml.safe_load(path.read_text(encoding="utf-8"))["tests"]:
            for case in group.get("alert_rule_test", ()):
                (fires if case["exp_alerts"] else silent).add(case["alertname"])
            for case in group.get("promql_expr_test", ()):
                for name in re.findall(r'alertname="(\w+)"', case["expr"]):
                    if not case["exp_samples"]:
                        silent.add(name)
                    elif 'alertstate="firing"' in case["expr"]:  # pending is not firing
                        fires.add(name)
    return fires, silent


def alertmanager(root: Path) -> list[str]:
    """amtool accepts the configuration, and each severity goes where it should."""
    amtool, path = tool("amtool", "prometheus-alertmanager"), root / "deploy" / "alertmanager" / "alertmanager.yml"
    problems = run(amtool, "check-config", path)
    if problems:
        return problems
    for severity, receiver in ROUTES.items():
        command = [amtool, "config", "routes", "test", f"--config.file={path}", f"severity={severity}"]
        found = subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
        if found != receiver:
            problems.append(
                f"alertmanager: expected severity {severity} to reach {receiver}, found {found or 'nobody'}"
            )
    known = {rule["alert"] for rule in _rules(root) if "alert" in rule}
    for name in re.findall(r'alertname =~? "([^"]+)"', path.read_text(encoding="utf-8")):
        problems += [
            f"alertmanager: expected an alert {item}, found no such rule"
            for item in name.split("|")
            if item not in known
        ]
    return problems


def dashboards(root: Path) -> list[str]:
    """The dashboards are what build.py writes."""
    return run(sys.executable, root / "deploy" / "grafana" / "build.py", "--check")


def expressions(root: Path) -> list[str]:
    """Every expression parses, and every metric in it is declared: by us, by a recording rule or by an exporter."""
    declared = _declared()
    known = (
        declared.keys() | _exported(root) | {rule["record"] for rule in _rules(root) if "record" in rule} | {"ALERTS"}
    )
    problems = []
    for where, text in _expressions(root):
        try:
            selectors = list(_selectors(promql_parser.parse(text)))
        except ValueError as error:
            problems.append(f"{where}: expected PromQL, found {text!r}: {error}")
            continue
        for found in selectors:
            if found.name not in known:
                problems.append(f"{where}: expected a metric that exists, found {found.name}")
            for label in {item.name for item in found.matchers.matchers} - declared.get(found.name, {"*"}) - _TARGET:
                if found.name in declared:
                    problems.append(f"{where}: expected a label of {found.name}, found {label}")
    return problems


def _expressions(root: Path) -> Iterator[tuple[str, str]]:
    for rule in _rules(root):
        yield rule.get("alert") or rule["record"], rule["expr"]
    for path in sorted((root / "deploy" / "grafana" / "dashboards").glob("*.json")):
        for panel in json.loads(path.read_text(encoding="utf-8"))["panels"]:
            for target in panel.get("targets", ()):
                yield f"{path.name}: {panel['title']}", target["expr"]


def _selectors(node: Any) -> Iterator[Any]:
    """The vector selectors in a parsed expression."""
    if type(node).__name__ == "VectorSelector":
        yield node
        return
    for name in ("expr", "lhs", "rhs", "param", "vector_selector"):
        if hasattr(getattr(node, name, None), "prettify"):
            yield from _selectors(getattr(node, name))
    for argument in getattr(node, "args", None) or ():
        yield from _selectors(argument)


def _declared() -> dict[str, set[str]]:
    """Series that services/common/metrics.py declares, as a scrape shows them, with their labels."""
    from services.common import metrics

    series: dict[str, set[str]] = {}
    for item in vars(metrics).values():
        suffixes = {"Counter": ["_total"], "Gauge": [""], "Histogram": ["_bucket", "_count", "_sum"]}
        for suffix in suffixes.get(type(item).__name__, ()):
            series[item._name + suffix] = {*item._labelnames, *(["le"] if suffix == "_bucket" else [])}
    return series


def _exported(root: Path) -> set[str]:
    lines = (root / "deploy" / "prometheus" / "exporters.txt").read_text(encoding="utf-8").splitlines()
    return {line.split()[0] for line in lines if line and not line.startswith("#")}
