"""What a name, a label and a finalizer may look like (k8s.io/apimachinery util/validation)."""

import re
from typing import Any

from reconciler.simulator.kinds import Kind
from reconciler.simulator.status import Cause

LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
SUBDOMAIN = rf"{LABEL}(\.{LABEL})*"
VALUE = "(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?"
QUALIFIED = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
LABEL_TEXT = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and"
    " must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex"
    f" used for validation is '{LABEL}')"
)
SUBDOMAIN_TEXT = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or"
    " '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used"
    f" for validation is '{SUBDOMAIN}')"
)
VALUE_TEXT = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or"
    " '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or"
    f" 'my_value',  or '12345', regex used for validation is '{VALUE}')"
)
QUALIFIED_TEXT = (
    "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end"
    " with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for"
    f" validation is '{QUALIFIED}')"
)
KEY_TEXT = (
    "a valid label key must consist of alphanumeric characters, '-', '_' or '.', and must start"
    " and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex"
    f" used for validation is '{QUALIFIED}') with an optional DNS subdomain prefix and '/' (e.g."
    " 'example.com/MyName')"
)
CONFIG_KEY = "[-._a-zA-Z0-9]+"
CONFIG_KEY_TEXT = (
    "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',"
    f"  or 'KEY_NAME',  or 'key-name', regex used for validation is '{CONFIG_KEY}')"
)
STANDARD_FINALIZERS = frozenset({"kubernetes", "orphan", "foregroundDeletion"})
ONE_LABEL = frozenset({"Namespace", "Service", "StatefulSet"})
NO_DOTS = "must not contain dots"
ANY_PATH_SEGMENT = frozenset({"Role", "RoleBinding"})


def too_long(limit: int, unit: str = "characters") -> str:
    return f"must be no more than {limit} {unit}"


def too_many_bytes(limit: int, field: str) -> Cause:
    return Cause("FieldValueTooLong", f"Too long: may not be more than {limit} bytes", field)


def invalid_value(shown: str, why: str, field: str) -> Cause:
    return Cause("FieldValueInvalid", f"Invalid value: {shown}: {why}", field)


def required(field: str, why: str = "") -> Cause:
    return Cause("FieldValueRequired", f"Required value: {why}" if why else "Required value", field)


def forbidden(field: str, why: str) -> Cause:
    return Cause("FieldValueForbidden", f"Forbidden: {why}", field)


def unsupported(value: str, supported: tuple[str, ...], field: str) -> Cause:
    known = ", ".join(f'"{name}"' for name in supported)
    text = f'Unsupported value: "{value}": supported values: {known}'
    return Cause("FieldValueNotSupported", text, field)


def label_faults(name: str) -> list[str]:
    faults = [too_long(63)] if len(name) > 63 else []
    if re.fullmatch(LABEL, name):
        return faults
    # What is a domain's name and no label can only have dots.
    return [*faults, NO_DOTS if re.fullmatch(SUBDOMAIN, name) else LABEL_TEXT]


def subdomain_faults(name: str) -> list[str]:
    faults = [too_long(253)] if len(name) > 253 else []
    return faults if re.fullmatch(SUBDOMAIN, name) else [*faults, SUBDOMAIN_TEXT]


def name_faults(kind: Kind, name: str) -> list[str]:
    if kind.kind in ANY_PATH_SEGMENT:
        bad = [mark for mark in ("/", "%") if mark in name]
        return [f"may not contain '{mark}'" for mark in bad]
    if kind.kind in ONE_LABEL:
        return label_faults(name)
    return subdomain_faults(name)


def key_faults(key: str) -> list[str]:
    prefix, slash, name = key.rpartition("/")
    if "/" in prefix:
        return [KEY_TEXT]
    faults = []
    if slash and not prefix:
        faults.append("prefix part must be non-empty")
    elif slash:
        faults += [f"prefix part {fault}" for fault in subdomain_faults(prefix)]
    if not name:
        faults.append("name part must be non-empty")
    elif len(name) > 63:
        faults.append(f"name part {too_long(63, 'bytes')}")
    if not re.fullmatch(QUALIFIED, name):
        faults.append(QUALIFIED_TEXT)
    return faults


def label_causes(labels: dict[str, str], field: str) -> list[Cause]:
    causes = []
    for key, value in sorted(labels.items()):
        causes += [invalid_value(f'"{key}"', fault, field) for fault in key_faults(key)]
        if len(value) > 63:
            causes.append(invalid_value(f'"{value}"', too_long(63, "bytes"), field))
        if not re.fullmatch(VALUE, value):
            causes.append(invalid_value(f'"{value}"', VALUE_TEXT, field))
    return causes


def config_key_causes(data: dict[str, Any], field: str) -> list[Cause]:
    """Keys of a Secret or a ConfigMap."""
    return [
        invalid_value(f'"{key}"', CONFIG_KEY_TEXT, f"{field}[{key}]")
        for key in sorted(data)
        if not re.fullmatch(CONFIG_KEY, key)
    ]


def owner_causes(owner: dict[str, Any]) -> list[Cause]:
    """Of one of the ownerReferences."""
    at, why = "metadata.ownerReferences", "must not be empty"
    causes = []
    if not owner.get("apiVersion"):
        causes.append(invalid_value('""', "version must not be empty", f"{at}.apiVersion"))
    empty = [field for field in ("kind", "name", "uid") if not owner.get(field)]
    return causes + [invalid_value('""', why, f"{at}.{field}") for field in empty]


def finalizer_causes(finalizers: list[str]) -> list[Cause]:
    return [
        invalid_value(
            f'"{name}"',
            "name is neither a standard finalizer name nor is it fully qualified",
            f"metadata.finalizers[{index}]",
        )
        for index, name in enumerate(finalizers)
        if "/" not in name and name not in STANDARD_FINALIZERS
    ]
