"""deploy.sh and render.py, with a doctl that keeps its app in a folder: what is sent, and what follows a failure."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

FOLDER = Path(__file__).parents[3] / "deploy" / "digitalocean"
SECRETS = {"ENCRYPTION_KEY": "k" * 44, "JWT_SECRET": "j" * 64, "WEB_SECRET": "w" * 64, "ORIGIN_TOKEN": "o" * 64}

#: Remembers the spec it was given as the app's, and each one it was ever given, in order.
DOCTL = """#!/bin/sh
set -eu
case "$1 $2" in
  "apps spec") cat "$STATE/app.yaml" ;;
  "apps update")
    n=$(ls "$STATE" | grep -c '^sent' || true)
    cp "$5" "$STATE/sent$n.yaml"
    cp "$5" "$STATE/app.yaml"
    if [ -e "$STATE/refuse" ]; then rm "$STATE/refuse"; exit 1; fi ;;
esac
"""
#: Healthy unless the app runs the tag named in the file `sick`.
CURL = """#!/bin/sh
if [ -e "$STATE/sick" ] && grep -q "tag: $(cat "$STATE/sick")" "$STATE/app.yaml"; then exit 22; fi
echo '{"status": "ok"}'
"""


@pytest.fixture
def state(tmp_path: Path) -> Path:
    programs = tmp_path / "bin"
    programs.mkdir()
    for name, text in (("doctl", DOCTL), ("curl", CURL)):
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    state = tmp_path / "state"
    state.mkdir()
    live = yaml.safe_load(render("staging", "v1", **SECRETS))
    for part in [*live["services"], *live["workers"], *live["jobs"]]:
        for item in part.get("envs", ()):
            if item.get("type") == "SECRET":
                item["value"] = f"EV[1:{part['name']}:{item['key']}]"
    (state / "app.yaml").write_text(yaml.safe_dump(live))
    return state


def render(spec: str, tag: str, *arguments: str, **environment: str) -> str:
    command = [
        sys.executable,
        FOLDER / "render.py",
        FOLDER / f"{spec}.yaml",
        "--tag",
        tag,
        "--owner",
        "org",
        *arguments,
    ]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def deploy(state: Path, tag: str) -> subprocess.CompletedProcess[str]:
    environment = {
        "PATH": f"{state.parent / 'bin'}:{os.environ['PATH']}", "STATE": str(state), "PYTHON": sys.executable,
        "APP_ID": "app", "OWNER": "org", "URL": "https://example.com", "HEALTH_TRIES": "2", "HEALTH_PAUSE_S": "0",
    }  # fmt: skip
    command = [FOLDER / "deploy.sh", FOLDER / "staging.yaml", tag]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def tags(state: Path) -> list[str]:
    """The tag of each spec that was sent."""
    specs = [yaml.safe_load(path.read_text()) for path in sorted(state.glob("sent*.yaml"))]
    return [spec["services"][0]["image"]["tag"] for spec in specs]


def test_a_healthy_version_stays(state: Path) -> None:
    done = deploy(state, "v2")
    assert done.returncode == 0, done.stderr
    assert tags(state) == ["v2"]
    sent = yaml.safe_load((state / "app.yaml").read_text())
    api = {item["key"]: item for item in sent["services"][0]["envs"]}
    assert api["JWT_SECRET"] == {
        "key": "JWT_SECRET",
        "scope": "RUN_TIME",
        "type": "SECRET",
        "value": "EV[1:api:JWT_SECRET]",
    }
    assert api["DATABASE_URL"]["value"] == "${postgres.DATABASE_URL}"
    assert {part["image"]["registry"] for part in [*sent["services"], *sent["workers"], *sent["jobs"]]} == {"org"}
    for secret in SECRETS.values():
        assert secret not in done.stdout + done.stderr


def test_an_unhealthy_version_is_taken_back(state: Path) -> None:
    before = yaml.safe_load((state / "app.yaml").read_text())
    (state / "sick").write_text("v2")
    done = deploy(state, "v2")
    assert done.returncode == 1
    assert "putting the previous version back" in done.stderr
    assert tags(state) == ["v2", "v1"]
    assert yaml.safe_load((state / "app.yaml").read_text()) == before


def test_a_refused_deployment_is_taken_back(state: Path) -> None:
    (state / "refuse").touch()
    assert deploy(state, "v2").returncode == 1
    assert tags(state) == ["v2", "v1"]


def test_nothing_is_sent_without_its_secrets(state: Path) -> None:
    live = yaml.safe_load((state / "app.yaml").read_text())
    live["services"][0]["envs"] = [item for item in live["services"][0]["envs"] if item["key"] != "JWT_SECRET"]
    (state / "app.yaml").write_text(yaml.safe_dump(live))
    done = deploy(state, "v2")
    assert done.returncode != 0
    assert "api: JWT_SECRET" in done.stderr
    assert tags(state) == []


def test_a_secret_given_in_the_environment_replaces_the_kept_one(state: Path) -> None:
    sent = yaml.safe_load(render("staging", "v3", "--live", str(state / "app.yaml"), JWT_SECRET="n" * 64))
    values = {item["key"]: item.get("value") for item in sent["services"][0]["envs"]}
    assert values["JWT_SECRET"] == "n" * 64
    assert values["ENCRYPTION_KEY"] == "EV[1:api:ENCRYPTION_KEY]"
