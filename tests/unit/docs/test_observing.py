"""The page of metrics and alerts: whatever it asks for exists, and its blocks can be applied."""

import re
from pathlib import Path
from typing import Any

import yaml

from reconciler import metrics

PAGE = Path(__file__).parents[3] / "docs" / "guide" / "observing.md"
NAME = re.compile(r"\bmooring_[a-z_]+")
LABELS = re.compile(r"\{([^{}]*)\}")


def names() -> set[str]:
    """Every name that a scrape can have."""
    families = list(metrics.REGISTRY.collect())
    plain = {family.name for family in families} | {f"{family.name}_total" for family in families}
    parts = ("bucket", "count", "sum")
    return plain | {f"{name.name}_{part}" for name in families for part in parts}


def blocks() -> list[dict[str, Any]]:
    text = PAGE.read_text()
    return [yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)]


def test_every_metric_that_is_named_is_counted() -> None:
    named = set(NAME.findall(PAGE.read_text()))

    assert named <= names()
    assert len(named) > 10


def test_the_alerts_are_rules_whose_labels_exist() -> None:
    [rules] = [block for block in blocks() if "groups" in block]
    [group] = rules["groups"]
    asked = {
        label
        for rule in group["rules"]
        for labels in LABELS.findall(rule["expr"])
        for label in re.findall(r"(\w+)[!=]", labels)
    }

    assert all({"alert", "expr", "annotations"} <= rule.keys() for rule in group["rules"])
    assert asked <= metrics.LABELS.keys()


def test_the_monitor_selects_the_reconciler_by_a_port_that_it_has() -> None:
    [monitor] = [block for block in blocks() if block.get("kind") == "PodMonitor"]
    deploy = PAGE.parents[2] / "deploy" / "kubernetes" / "base" / "reconciler.yaml"
    pod = next(yaml.safe_load_all(deploy.read_text()))["spec"]["template"]
    [container] = pod["spec"]["containers"]
    spec = monitor["spec"]

    assert spec["selector"]["matchLabels"] == pod["metadata"]["labels"]
    [endpoint] = spec["podMetricsEndpoints"]
    assert endpoint["port"] in {port["name"] for port in container["ports"]}
    [port] = container["ports"]
    assert pod["metadata"]["annotations"]["prometheus.io/port"] == str(port["containerPort"])
