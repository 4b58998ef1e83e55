"""What the pages and files of deploy/ name exists: commands, API paths, files, environment variables, services."""

import re
from pathlib import Path

import pytest
import typer
import yaml

from autogrid.cli.app import app
from autogrid.settings import Settings

ROOT = Path(__file__).parents[3]
PAGES = [*(ROOT / "deploy").rglob("*.md"), *(ROOT / "deploy" / "digitalocean").glob("*.yaml"), ROOT / ".env.example"]
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
#: Variables of the programs that we run, not of AutoGrid.
OTHERS = {
    "HEALTH_URL",
    "REMOTE_WRITE_URL",
    "REMOTE_WRITE_PASSWORD",
    "JUPYTER_TOKEN",
    "API_URL",
    "WEB_HOST",
    "WEB_SECRET",
}


def commands() -> set[str]:
    """All commands, such as "db backup"."""
    top = typer.main.get_command(app)
    found = set()
    for name, command in top.commands.items():  # type: ignore[attr-defined]
        found.add(name)
        found |= {f"{name} {inner}" for inner in getattr(command, "commands", {})}
    return found


def named() -> set[tuple[str, str]]:
    """(where, command) of everything that looks like a call of the command line."""
    groups = {name.split()[0] for name in commands() if " " in name} | {"secrets", "users"}
    found = set()
    for page in PAGES:
        for first, second in re.findall(r"\bautogrid ([a-z]+)(?: ([a-z]+))?", page.read_text()):
            if first in groups or first in commands():
                found.add((page.name, f"{first} {second}" if first in groups else first))
    for name, service in COMPOSE.items():
        command = [str(part) for part in service.get("command", ())]
        if command[:1] == ["autogrid"]:
            found.add((f"compose: {name}", " ".join(command[1:3]) if command[1] in groups else command[1]))
    return found


def test_commands_exist() -> None:
    known = commands()
    calls = named()
    assert len(calls) >= 6
    assert sorted(f"{where}: autogrid {command}" for where, command in calls if command not in known) == []


def test_api_paths_exist() -> None:
    from services.api.app import create_app

    paths = {re.sub(r"{\w+}", "{}", path) for path in create_app().openapi()["paths"]}
    text = (ROOT / "deploy" / "RUNBOOK.md").read_text()
    used = {re.sub(r"{\w+}", "{}", path) for path in re.findall(r"(?:GET|POST) (/v1/[\w{}/-]+)", text)}
    assert used
    assert used <= paths


def test_links_lead_somewhere() -> None:
    links = [(page, link) for page in PAGES for link in re.findall(r"\]\(([^)#h][^)#]*)", page.read_text())]
    assert links
    assert [link for page, link in links if not (page.parent / link).exists()] == []


def test_environment_variables_are_settings() -> None:
    fields = {name.upper() for name in Settings.model_fields}
    used = set()
    for service in COMPOSE.values():
        if str(service.get("image", "")).startswith("autogrid-"):
            used |= set(service.get("environment", ()))
    for name in ("staging", "production"):
        spec = yaml.safe_load((ROOT / "deploy" / "digitalocean" / f"{name}.yaml").read_text())
        for part in [*spec["services"], *spec["workers"], *spec["jobs"]]:
            used |= {item["key"] for item in part.get("envs", ())}
    assert used - OTHERS <= fields


@pytest.mark.parametrize("job", ["prometheus.yml", "agent.yml"])
def test_scraped_services_exist(job: str) -> None:
    config = yaml.safe_load((ROOT / "deploy" / "prometheus" / job).read_text())
    targets = [t for part in config["scrape_configs"] for s in part.get("static_configs", ()) for t in s["targets"]]
    hosts = {target.split(":")[0] for target in targets} - {"localhost"}
    assert hosts <= set(COMPOSE)
