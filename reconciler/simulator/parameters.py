"""Query parameters and delete options, read into values; what is wrong is refused as upstream."""

from collections.abc import Mapping
from typing import Any

import orjson

from reconciler.simulator.names import (
    forbidden,
    invalid_value,
    required,
    too_many_bytes,
    unsupported,
)
from reconciler.simulator.status import Cause, bad_request, invalid_options
from reconciler.simulator.verbs import Deletion, Writer

Query = Mapping[str, str]

TRUE = frozenset({"true", "1", "True", "t", "T", "TRUE"})
OPTIONS = "DeleteOptions"
VALIDATIONS = ("", "Ignore", "Strict", "Warn")
LONGEST_MANAGER = 128
POLICIES = ("Foreground", "Background", "Orphan")


def flag(query: Query, name: str) -> bool:
    return query.get(name, "") in TRUE


def number(query: Query, name: str) -> int | None:
    """None when absent. Raises Refusal 400."""
    text = query.get(name, "")
    if not text:
        return None
    try:
        return int(text)
    except ValueError:
        message = f'strconv.ParseInt: parsing "{text}": invalid syntax'
        raise bad_request(message) from None


def writer(query: Query, agent: str, options: str, *, applies: bool = False) -> Writer:
    """`options` names the parameters in errors: CreateOptions, UpdateOptions, PatchOptions."""
    manager = query.get("fieldManager", "")
    causes = []
    if applies and not manager:
        causes.append(required("fieldManager", "is required for apply patch"))
    if query.get("force") and not applies and options == "PatchOptions":
        causes.append(forbidden("force", "may not be specified for non-apply patch"))
    causes += _manager_causes(manager) + _dry_run_causes(query.get("dryRun"))
    validation = query.get("fieldValidation", "")
    if validation not in VALIDATIONS:
        causes.append(unsupported(validation, VALIDATIONS, "fieldValidation"))
    if causes:
        raise invalid_options(options, causes)
    return Writer(
        manager or agent.partition("/")[0] or "unknown",
        dry_run=query.get("dryRun") == "All",
        force=flag(query, "force"),
    )


def _manager_causes(manager: str) -> list[Cause]:
    if len(manager.encode()) > LONGEST_MANAGER:
        return [too_many_bytes(LONGEST_MANAGER, "fieldManager")]
    return [
        invalid_value(
            orjson.dumps(manager).decode(),
            f"invalid character U+{ord(mark):04X} (at position {place})",
            "fieldManager",
        )
        for place, mark in enumerate(manager)
        if not mark.isprintable()
    ]


def _dry_run_causes(given: Any) -> list[Cause]:
    if not given or given in ("All", ["All"]):
        return []
    shown = str([given] if isinstance(given, str) else given).replace("'", '"')
    text = f'Unsupported value: {shown}: supported values: "All"'
    return [Cause("FieldValueNotSupported", text, "dryRun")]


def deletion(query: Query, body: Any) -> Deletion:
    """DeleteOptions of the body, which win, or of the query."""
    given: dict[str, Any] = body if isinstance(body, dict) and body else dict(query)
    named = given.get("kind", OPTIONS), given.get("apiVersion", "v1")
    if named[0] != OPTIONS:
        raise bad_request(
            f'no kind "{named[0]}" is registered for version "{named[1]}" in scheme'
            ' "pkg/runtime/scheme.go:111"'
        )
    policy = given.get("propagationPolicy")
    orphans = given.get("orphanDependents")
    causes = _dry_run_causes(given.get("dryRun"))
    if policy is not None and orphans is not None:
        why = "orphanDependents and deletionPropagation cannot be both set"
        causes.append(invalid_value(f'"{policy}"', why, "propagationPolicy"))
    elif policy is not None and policy not in POLICIES:
        supported = ", ".join(f'"{name}"' for name in (*POLICIES, "nil"))
        text = f'Unsupported value: "{policy}": supported values: {supported}'
        causes.append(Cause("FieldValueNotSupported", text, "propagationPolicy"))
    if causes:
        raise invalid_options("DeleteOptions", causes)
    if orphans is not None:
        policy = "Orphan" if orphans is True or orphans in TRUE else "Background"
    preconditions = given.get("preconditions") or {}
    return Deletion(
        propagation=policy,
        grace=_grace(given.get("gracePeriodSeconds")),
        uid=preconditions.get("uid"),
        version=preconditions.get("resourceVersion"),
        dry_run=bool(given.get("dryRun")),
    )


def _grace(given: Any) -> int | None:
    try:
        return None if given is None else int(given)
    except (ValueError, TypeError):
        raise bad_request(
            "json: cannot unmarshal string into Go struct field"
            " DeleteOptions.gracePeriodSeconds of type int64"
        ) from None
