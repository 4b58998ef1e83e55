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
    check = tool("check-jsonschema")
    problems += run(check, "--builtin-schema", "vendor.github-workflows", *files)
    problems += run(check, "--builtin-schema", "vendor.dependabot", root / ".github" / "dependabot.yml")
    problems += run(check, "--builtin-schema", "vendor.codecov", root / ".github" / "codecov.yml")
    problems += run(tool("actionlint"), f"-shellcheck={tool('shellcheck', 'shellcheck')}", *files)
    config = root / ".github" / "zizmor.yml"
    problems += run(tool("zizmor"), "--offline", "--no-progress", "--quiet", "--config", config, root / ".github")
    for file in files:
        text = file.read_text(encoding="utf-8")
        for action in re.findall(r"uses: (?!\./)(\S+.*)", text):
            if not re.fullmatch(r"\S+@[0-9a-f]{40} # v\d+\.\d+\.\d+", action):
                problems.append(f"{file.name}: expected a commit and its version in a comment, found {action}")
        if yaml.safe_load(text).get("permissions") != {}:
            problems.append(f"{file.name}: expected permissions: {{}} at the top, with rights per job")
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
    files = [path for path in _files(root) if path.suffix == ".sh" or path.name == "run" and path.parent.name == ".ci"]
    return run(tool("shellcheck", "shellcheck"), *files)


def secrets(root: Path) -> list[str]:
    """detect-secrets finds no key, token or password in any file but those that must look like it."""
    from detect_secrets import SecretsCollection
    from detect_secrets.settings import transient_settings

    names = [
        "AWSKeyDetector", "ArtifactoryDetector", "AzureStorageKeyDetector", "BasicAuthDetector", "DiscordBotTokenDetector",
        "GitHubTokenDetector", "GitLabTokenDetector", "JwtTokenDetector", "NpmDetector", "OpenAIDetector",
        "PrivateKeyDetector", "PypiTokenDetector", "SendGridDetector", "SlackDetector", "StripeDetector",
        "TelegramBotTokenDetector", "TwilioKeyDetector",
    ]  # fmt: skip
    found = SecretsCollection()
    with transient_settings({"plugins_used": [{"name": name} for name in names]}):
        for path in _files(root):
            if path.relative_to(root).parts[0] == "tests" or path.name == "uv.lock":
                continue  # made-up secrets for the tests of the redaction; hashes
            for secret in _scan(path):
                found[str(path.relative_to(root))].add(secret)
        fernet = re.compile(r"(?<![\w/+-])[A-Za-z0-9_-]{43}=(?![\w=])")
        problems = [f"{name}:{item.line_number}: expected no secret, found: {item.type}" for name, item in found]
    for path in _files(root):
        if path.suffix in (".yml", ".yaml", ".toml", ".example", ".tf", ".sh", ".env") and fernet.search(_text(path)):
            problems.append(f"{path.relative_to(root)}: expected no secret, found: an encryption key")
    return problems


def _scan(path: Path) -> Iterator[Any]:
    from detect_secrets.core.scan import scan_file

    for secret in scan_file(str(path)):
        line = _text(path).splitlines()[secret.line_number - 1]
        # user:password@ around a variable is a pattern, not a secret
        if secret.type == "Basic Auth Credentials" and re.search(r"[${}*\[]|user:password|:@", line):
            continue
        yield secret


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
