"""docker-compose.yml, .env.example and the Dockerfile."""

import json
import re
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from . import run, tool

#: Values for the variables without a default: nothing starts, so anything does.
_SECRETS = ("POSTGRES_PASSWORD", "REDIS_PASSWORD", "ENCRYPTION_KEY", "JWT_SECRET", "WEB_SECRET")
#: Images of others that run as their own unprivileged user, or that we start as one (`user:`).
_UNPRIVILEGED = {"prom/", "grafana/", "quay.io/prometheuscommunity/", "oliver006/"}
_SERVICES = {"api", "web", "bot-engine", "streams", "celery", "beat", "migrate", "backup", "postgres", "redis"}
_PROFILES = {"jupyter": "research", "prometheus": "monitoring", "alertmanager": "monitoring", "loopback": "exchange"}


def compose(root: Path) -> list[str]:
    """Compose accepts the file, refuses to start without secrets, and every service is confined."""
    problems = run(tool("check-jsonschema"), "--builtin-schema", "vendor.compose-spec", root / "docker-compose.yml")
    if problems:
        return problems
    example = _variables(root / ".env.example")
    text = (root / "docker-compose.yml").read_text(encoding="utf-8")
    for name in sorted(set(re.findall(r"(?<!\$)\$\{([A-Z_]+)", text)) - set(example)):
        problems.append(f".env.example: expected {name}, which docker-compose.yml reads, found nothing")
    for name, value in example.items():
        if value and re.search("PASSWORD|SECRET|TOKEN|KEY$", name):
            problems.append(f".env.example: expected no value for {name}, found one")
    for secret in _SECRETS:
        if not _config(root, {name: "x" for name in _SECRETS if name != secret})[1]:
            problems.append(f"docker-compose.yml: expected it to be refused without {secret}, found it accepted")
    config, errors = _config(root, dict.fromkeys(_SECRETS, "x"))
    return problems + (errors or _policy(config))


def _config(root: Path, environment: dict[str, str]) -> tuple[dict[str, Any], list[str]]:
    with tempfile.NamedTemporaryFile("w", suffix=".env") as file:
        file.write("".join(f"{name}={value}\n" for name, value in environment.items()))
        file.flush()
        command = [tool("docker-compose"), "--env-file", file.name, "--profile", "*", "config", "--format", "json"]
        done = subprocess.run(
            command, cwd=root, env={"PATH": "/usr/bin:/bin"}, capture_output=True, text=True, check=False
        )
    if done.returncode:
        return {}, done.stderr.splitlines() or ["docker-compose config failed"]
    return json.loads(done.stdout), []


def _policy(config: dict[str, Any]) -> list[str]:
    services = config["services"]
    problems = [f"docker-compose.yml: expected service {name}, found none" for name in _SERVICES - set(services)]
    for name, profile in _PROFILES.items():
        if services.get(name, {}).get("profiles") != [profile]:
            problems.append(f"{name}: expected profile {profile}")
    for name, service in services.items():
        problems += [f"{name}: expected {what}" for what in _unmet(service)]
        for port in service.get("ports", ()):
            if name in ("postgres", "redis"):
                problems.append(f"{name}: expected no published port, found {port['published']}")
            elif port.get("host_ip") != "127.0.0.1":
                problems.append(
                    f"{name}: expected its port on 127.0.0.1 by default, found {port.get('host_ip') or 'any address'}"
                )
        if not re.search(r":[\w.-]*\d", service["image"]) and not service["image"].startswith("autogrid-"):
            problems.append(f"{name}: expected an image with a version, found {service['image']}")
    for name in ("api", "web", "bot-engine", "streams", "celery", "beat"):
        if not any(waits["condition"] == "service_healthy" for waits in services[name].get("depends_on", {}).values()):
            problems.append(f"{name}: expected it to wait for a healthy service")
    return problems


def _unmet(service: dict[str, Any]) -> list[str]:
    own = service["image"].startswith("autogrid-")
    unprivileged = own or "user" in service or any(service["image"].startswith(name) for name in _UNPRIVILEGED)
    rules = {
        "read_only: true": service.get("read_only"),
        "no-new-privileges": "no-new-privileges:true" in service.get("security_opt", ()),
        "cap_drop: [ALL]": service.get("cap_drop") == ["ALL"] and not service.get("cap_add"),
        "a memory limit": service.get("deploy", {}).get("resources", {}).get("limits", {}).get("memory"),
        "rotated logs": service.get("logging", {}).get("options", {}).get("max-size"),
        "a user other than root": unprivileged and service.get("user") not in ("root", "0"),
        "no privileged mode": not service.get("privileged"),
    }
    return [what for what, met in rules.items() if not met]


def _variables(path: Path) -> dict[str, str]:
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
    return dict(line.split("=", 1) for line in lines)


def dockerfile(root: Path) -> list[str]:
    """hadolint is content, bases have versions, copied files exist, the worker has no research libraries."""
    path = root / "deploy" / "docker" / "Dockerfile"
    problems = run(tool("hadolint"), path)
    text = path.read_text(encoding="utf-8")
    stages: set[str] = set()
    for base, name in re.findall(r"^FROM (\S+) AS (\S+)", text, re.MULTILINE):
        if base not in stages and not re.search(r":v?\d+\.\d+\.\d+", base):
            problems.append(f"Dockerfile: expected an exact version, found {base}")
        stages.add(name)
    for name in sorted({"api", "worker", "web", "research"} - stages):
        problems.append(f"Dockerfile: expected target {name}, found none")
    for name in re.findall(r"^COPY (?!.*--from)(?:--\S+ )*(\S+) /", text, re.MULTILINE):
        if not (root / name).exists():
            problems.append(f"Dockerfile: expected {name}, which it copies, found nothing")
    worker = re.search(r"^FROM build AS build-worker\n(.*?)^FROM ", text, re.DOTALL | re.MULTILINE)
    if worker is None or "research" in worker[1]:
        problems.append("Dockerfile: expected the worker without the extra research")
    if "USER 10001" not in text or "HEALTHCHECK" not in text:
        problems.append("Dockerfile: expected USER 10001 and HEALTHCHECK in the runtime stage")
    return problems
