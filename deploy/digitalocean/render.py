"""Turn an app spec of this folder into the one to send: image tag and owner filled in, secrets kept.

python deploy/digitalocean/render.py production.yaml --tag v1.2.3 --owner my-org --live live.yaml > next.yaml

App Platform stores a secret encrypted and hands out only the ciphertext (EV[...]); a spec sent without it would erase
it. So each secret takes, in this order: the environment variable of its name (a first deployment, a rotation), or
the ciphertext of the same component in the running app's spec. One with neither is an error: nothing is printed.
"""

import argparse
import os
import sys
from pathlib import Path
from typing import Any

import yaml

_GROUPS = ("services", "workers", "jobs")
Secrets = dict[tuple[str, str], str]


def secrets_of(live: dict[str, Any]) -> Secrets:
    """(component, key) -> ciphertext in the running app's spec."""
    found = {}
    for group in _GROUPS:
        for component in live.get(group, ()):
            for item in component.get("envs", ()):
                if item.get("type") == "SECRET" and item.get("value", "").startswith("EV["):
                    found[component["name"], item["key"]] = item["value"]
    return found


def render(spec: dict[str, Any], tag: str, owner: str, kept: Secrets, given: dict[str, str]) -> list[str]:
    """Fill `spec` in place; returns what is missing."""
    missing = []
    for group in _GROUPS:
        for component in spec.get(group, ()):
            component["image"].update(tag=tag, registry=owner)
            for item in component.get("envs", ()):
                if item.get("type") != "SECRET":
                    continue
                value = given.get(item["key"]) or kept.get((component["name"], item["key"]))
                if value is None:
                    missing.append(f"{component['name']}: {item['key']}")
                else:
                    item["value"] = value
    return missing


def main() -> None:
    """Read, render, print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("spec", type=Path)
    parser.add_argument("--tag", required=True)
    parser.add_argument("--owner", required=True)
    parser.add_argument("--live", type=Path, help="spec of the running app, from: doctl apps spec get APP_ID")
    chosen = parser.parse_args()
    spec = yaml.safe_load(chosen.spec.read_text(encoding="utf-8"))
    live = yaml.safe_load(chosen.live.read_text(encoding="utf-8")) if chosen.live else {}
    missing = render(spec, chosen.tag, chosen.owner, secrets_of(live or {}), dict(os.environ))
    if missing:
        sys.exit(
            "expected a value for each secret, found none in the environment or the running app for:\n  "
            + "\n  ".join(missing)
        )
    yaml.safe_dump(spec, sys.stdout, sort_keys=False, width=1000)


if __name__ == "__main__":
    main()
