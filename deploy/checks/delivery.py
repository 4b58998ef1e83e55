"""Workflows, app specs, Terraform, scripts, and secrets that must not be here."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from . import run, tool

_WORKFLOWS = {"ci.yml", "images.yml", "deploy.yml", "release.yml", "codeql.yml", "dependencies.yml"}
#: These run one instance only, and only dedicated CPUs scale by themselves (DigitalOcean's list of instance sizes).
_SINGLE = ("apps-s-1vcpu-0.5gb", "apps-s-1vcpu-1gb-fixed")


def workflows(root: Path) -> list[str]:
    """actionlint and zizmor are content, every action is pinned by commit, and nothing has more rights than it says."""
    folder = root / ".github" / "workflows"
    files = sorted(folder.glob("*.yml"))
    problems = [
        f".github/workflows: expected {name}, found none" for name in sorted(_WORKFLOWS - {file.name for file in files})
    ]
    for file in files:
        text = file.read_text(encoding="utf-8")
        for action in re.findall(r"uses: (?!\./)(\S+.*)", text):
            if not re.fullmatch(r"\S+@[0-9a-f]{40} # v\d+\.\d+\.\d+", action):
                problems.append(f"{file.name}: expected a commit and its version in a comment, found {action}")
        if yaml.safe_load(text).get("permissions") != {}:
            problems.append(f"{file.name}: expected permissions: {{}} at the top, with rights per job")
    check = tool("check-jsonschema")
    problems += run(check, "--builtin-schema", "vendor.github-workflows", *files)
    problems += run(check, "--builtin-schema", "vendor.dependabot", root / ".github" / "dependabot.yml")
    problems += run(check, "--builtin-schema", "vendor.codecov", root / ".github" / "codecov.yml")
    if problems:
        return problems
    problems += run(tool("actionlint"), f"-shellcheck={tool('shellcheck', 'shellcheck')}", *files)
    config = root / ".github" / "zizmor.yml"
    problems += run(tool("zizmor"), "--offline", "--no-progress", "--quiet", "--config", config, root / ".github")
    return problems


def app_specs(root: Path) -> list[str]:
    """The app specs fit the schema of DigitalOcean's API, and what the schema cannot say."""
    folder = root / "deploy" / "digitalocean"
    files = [folder / "staging.yaml", folder / "production.yaml"]
    problems = run(tool("check-jsonschema"), "--schemafile", folder / "app-spec.schema.json", *files)
    if problems:
        return problems
    for file in files:
        problems += [f"{file.name}: {problem}" for problem in _spec(yaml.safe_load(file.read_text(encoding="utf-8")))]
    return problems


def _spec(spec: dict[str, Any]) -> Iterator[str]:
    services, workers, jobs = spec["services"], spec["workers"], spec["jobs"]
    names = [part["name"] for part in [*services, *workers, *jobs, *spec["databases"]]]
    yield from (
        f"expected each name once, found {name} again" for name in sorted({n for n in names if names.count(n) > 1})
    )
    for part in [*services, *workers]:
        size = part["instance_size_slug"]
        if size in _SINGLE and (part.get("instance_count", 1) > 1 or "autoscaling" in part):
            yield f"{part['name']}: expected one instance of {size}, found more"
        if "autoscaling" in part and not size.startswith("apps-d-"):
            yield f"{part['name']}: expected a dedicated CPU (apps-d-...) to scale, found {size}"
    for rule in spec["ingress"]["rules"]:
        if rule["component"]["name"] not in {part["name"] for part in services}:
            yield f"ingress: expected a service, found {rule['component']['name']}"
        if rule["match"]["path"]["prefix"].startswith("/metrics"):
            yield "ingress: expected no route to /metrics, found one"
    for part in [*services, *workers, *jobs]:
        for item in part.get("envs", ()):
            if re.search("KEY|SECRET|TOKEN|PASSWORD", item["key"]) and (
                item.get("type") != "SECRET" or "value" in item
            ):
                yield f"{part['name']}: expected {item['key']} as a SECRET without a value"
            for name in re.findall(r"\$\{([a-z][a-z-]*)\.", item.get("value", "")):
                if name not in names:
                    yield f"{part['name']}: expected {item['key']} to name a component, found {name}"
    if not any(job.get("kind") == "PRE_DEPLOY" and "db migrate" in job["run_command"] for job in jobs):
        yield "expected a PRE_DEPLOY job that migrates the database"
    yield from (
        f"{item['name']}: expected production: true" for item in spec["databases"] if not item.get("production")
    )


def terraform(root: Path) -> list[str]:
    """The Terraform files parse, use what they declare, and hold the settings that must not be weakened."""
    import hcl2

    folder = root / "deploy" / "cloudflare"
    text, settings = "", {}
    declared: set[str] = set()
    for path in sorted(folder.glob("*.tf")):
        content = path.read_text(encoding="utf-8")
        try:
            parsed = hcl2.loads(content)
        except Exception as error:  # noqa: BLE001 - whatever the parser raises, the file is not HCL
            return [f"{path.name}: expected HCL, found: {str(error).splitlines()[0]}"]
        text += content
        declared |= {_bare(name) for item in parsed.get("variable", ()) for name in item}
        for kind, resources in ((k, v) for item in parsed.get("resource", ()) for k, v in item.items()):
            if _bare(kind) == "cloudflare_zone_setting":
                settings.update({_bare(body["setting_id"]): body["value"] for body in resources.values()})
    used = set(re.findall(r"\bvar\.(\w+)", text))
    problems = [f"cloudflare: expected variable {name} to be declared" for name in sorted(used - declared)]
    problems += [f"cloudflare: expected variable {name} to be used" for name in sorted(declared - used)]
    for name, value in {"ssl": "strict", "always_use_https": "on", "min_tls_version": "1.2"}.items():
        if _bare(str(settings.get(name))) != value:
            problems.append(f"cloudflare: expected {name} = {value}, found {settings.get(name)}")
    hsts = str(settings.get("security_header"))
    if not re.search(r"enabled\W+true", hsts, re.IGNORECASE) or "31536000" not in hsts:
        problems.append("cloudflare: expected HSTS for a year")
    for needed in ("/metrics", "http_ratelimit", "X-Origin-Token", "set_cache_settings"):
        if needed not in text:
            problems.append(f"cloudflare: expected a rule about {needed}, found none")
    return problems


def _bare(name: str) -> str:
    return name.strip('"')


def scripts(root: Path) -> list[str]:
    """shellcheck is content with every shell script."""
    files = [
        path for path in _files(root) if path.suffix == ".sh" or (path.name == "run" and path.parent.name == ".ci")
    ]
    return run(tool("shellcheck", "shellcheck"), *files)


def secrets(root: Path) -> list[str]:
    """No file holds a key, token or password by the patterns of detect-secrets, nor a key of our own kind.

    Left out: tests, which make up secrets to leak, and uv.lock, which is hashes.
    """
    patterns = [(detector.secret_type, pattern) for detector in _plugins() for pattern in detector.denylist]
    patterns.append(("an encryption key", re.compile(r"(?<![\w/+-])[A-Za-z0-9_-]{43}=(?![\w=])")))
    problems = []
    for path in _files(root):
        name = path.relative_to(root)
        if name.parts[0] == "tests" or path.name == "uv.lock":
            continue
        text = _text(path)
        for kind, pattern in patterns:
            for match in pattern.finditer(text):
                number = text.count("\n", 0, match.start())
                # user:password@ with a variable or a placeholder is a pattern, not a secret
                placeholder = re.search(r"[${}*\[]|PASSWORD|user:password|:@", text.splitlines()[number])
                if not (kind == "Basic Auth Credentials" and placeholder):
                    problems.append(f"{name}:{number + 1}: expected no secret, found: {kind}")
    return problems


def _plugins() -> list[Any]:
    """The detectors that look for the form of a secret; those that guess by entropy or by names are left out."""
    from detect_secrets.core.plugins.util import get_mapping_from_secret_type_to_class
    from detect_secrets.plugins.base import RegexBasedDetector

    found = get_mapping_from_secret_type_to_class()
    left_out = {
        "Public IP (ipv4)",
        "IBM Cloud IAM Key",
        "IBM COS HMAC Credentials",
        "Softlayer Credentials",
        "Cloudant Credentials",
    }
    return [item for kind, item in found.items() if issubclass(item, RegexBasedDetector) and kind not in left_out]


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return ""


def _files(root: Path) -> list[Path]:
    """The files that git knows or would add; all of them where this is no git checkout."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    if done.returncode == 0:
        found = [root / name for name in done.stdout.split("\0") if name]
    else:
        found = [path for path in root.rglob("*") if ".git" not in path.parts]
    return [path for path in found if path.is_file()]
