"""The manifests, as `kubectl kustomize` renders them."""

import shutil
import subprocess
from functools import cache

import pytest
import yaml

from rubi.embedded.places import PROJECT_ROOT

K8S = PROJECT_ROOT / "k8s"


@cache
def rendered(overlay: str) -> list[dict]:
    """Every object of an overlay; skips where there is no kubectl (or kustomize) to render it."""
    if kubectl := shutil.which("kubectl"):
        command = [kubectl, "kustomize"]
    elif kustomize := shutil.which("kustomize"):
        command = [kustomize, "build"]
    else:
        pytest.skip("neither kubectl nor kustomize is installed")
    done = subprocess.run(
        [*command, str(K8S / "overlays" / overlay)], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return [each for each in yaml.safe_load_all(done.stdout) if each]


def of_kind(overlay: str, *kinds: str) -> list[dict]:
    return [each for each in rendered(overlay) if each["kind"] in kinds]


def named(overlay: str, kind: str, name: str) -> dict:
    return next(each for each in of_kind(overlay, kind) if each["metadata"]["name"] == name)


def pods(overlay: str) -> dict[str, dict]:
    """The pod templates, by the name of what makes them."""
    made = of_kind(overlay, "Deployment", "StatefulSet", "Job")
    return {each["metadata"]["name"]: each["spec"]["template"] for each in made}


def matches(selector: dict, labels: dict) -> bool:
    """Whether a label selector picks something with these labels."""
    wanted = selector.get("matchLabels", {})
    return all(labels.get(key) == value for key, value in wanted.items()) and all(
        _fits(rule, labels) for rule in selector.get("matchExpressions", ())
    )


def _fits(rule: dict, labels: dict) -> bool:
    there = labels.get(rule["key"])
    match rule["operator"]:
        case "In":
            return there in rule["values"]
        case "NotIn":
            return there not in rule["values"]
        case "Exists":
            return there is not None
        case "DoesNotExist":
            return there is None
    raise AssertionError(rule)
