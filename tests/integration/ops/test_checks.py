"""Each check of deploy/checks passes on this checkout, and catches faults that are planted in a copy of it."""

import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[3]
sys.path.insert(0, str(ROOT / "deploy"))
import checks  # noqa: E402
from checks import containers, delivery, monitoring  # noqa: E402

Check = Callable[[Path], list[str]]


def run(check: Check, root: Path) -> list[str]:
    try:
        return check(root)
    except checks.Missing as missing:
        pytest.skip(str(missing))


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """What the checks read, to plant faults in."""
    for name in ("deploy", ".github"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__", "secrets"))
    for name in ("docker-compose.yml", ".env.example"):
        shutil.copy(ROOT / name, tmp_path / name)
    for name in ("notebooks", "backtests", "tests"):
        (tmp_path / name).mkdir()
    return tmp_path


CHECKS = [
    containers.compose, containers.dockerfile, monitoring.prometheus, monitoring.alerts, monitoring.alertmanager,
    monitoring.dashboards, monitoring.expressions, delivery.workflows, delivery.app_specs, delivery.terraform,
    delivery.scripts, delivery.secrets,
]  # fmt: skip
NAMED = {check.__name__: check for check in CHECKS}


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_this_checkout_is_right(check: Check) -> None:
    assert run(check, ROOT) == []


FAULTS = yaml.safe_load(Path(__file__).with_name("faults.yml").read_text())
RULES = "deploy/prometheus/rules"


def test_every_check_has_a_fault() -> None:
    assert {fault["check"] for fault in FAULTS} == set(NAMED)


@pytest.mark.ops
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault['check']}-{fault['says']}")
def test_a_planted_fault_is_caught(copy: Path, fault: dict[str, str]) -> None:
    path = copy / fault["file"]
    text = path.read_text()
    assert fault["find"] in text
    path.write_text(text.replace(fault["find"], fault["put"]))
    found = run(NAMED[fault["check"]], copy)
    assert any(fault["says"] in problem for problem in found), found


@pytest.mark.ops
def test_a_rule_that_never_fires_fails_its_test(copy: Path) -> None:
    """Each alert is made deaf in turn, by a limit out of reach: promtool's tests must notice every one."""
    names = []
    for path in sorted((copy / RULES).glob("[ciw]*.yml")):
        text = path.read_text()
        names += re.findall(r"alert: (\w+)", text)
        text = text.replace("        for: ", "        for: 1000")
        path.write_text(text.replace("labels: { severity: info", "for: 1000h\n        labels: { severity: info"))
    found = "\n".join(run(monitoring.prometheus, copy))
    assert [name for name in names if name not in found] == []


@pytest.mark.ops
def test_an_alert_without_its_limit_fails_its_test(copy: Path) -> None:
    """Each alert is made to fire always: the cases in which it must not fire have to notice."""
    names = []
    for path in sorted((copy / RULES).glob("[ciw]*.yml")):
        text = path.read_text()
        names += re.findall(r"alert: (\w+)", text)
        text = re.sub(r"\n        for: \S+", "", text)
        path.write_text(re.sub(r"expr: (>-\n(          .*\n)+|.*\n)", "expr: vector(1)\n", text))
    found = "\n".join(run(monitoring.prometheus, copy))
    assert len(names) == 25
    assert [name for name in names if name not in found] == []
