"""Strategic merge patch: what kubectl sends for built-in kinds by `patch`, `edit`, `set`, `apply`.

After k8s.io/apimachinery/pkg/util/strategicpatch: lists with a key are merged by its first part,
sets are united, others replaced. A list stays in the order that it has, with what is new at its
end: `$setElementOrder` is not looked at.
"""

from typing import Any

from reconciler.simulator.schema import Atomic, Items, Json, Map, Struct, Type

DELETE_FROM = "$deleteFromPrimitiveList/"


def merged(kind: Type, value: Any, patch: Any) -> Any:
    """The value with a patch of this type in it. Raises ValueError for an unknown directive,
    KeyError with upstream's text for an item without the key of its list.
    """
    whole = kind.whole if isinstance(kind, Atomic) else kind
    if isinstance(whole, Items) and isinstance(patch, list):
        return _items(whole, value if isinstance(value, list) else [], patch)
    if not isinstance(patch, dict):
        return patch
    if "$patch" in patch and _directive(patch) == "replace":
        return _plain(patch)
    present = value if isinstance(value, dict) else {}
    retained = patch.get("$retainKeys", present)
    result = {key: item for key, item in present.items() if key in retained}
    for key, item in patch.items():
        if key.startswith(DELETE_FROM):
            field = key.removeprefix(DELETE_FROM)
            result[field] = [one for one in result.get(field, ()) if one not in item]
        elif key.startswith("$"):
            continue
        elif item is None or (isinstance(item, dict) and item.get("$patch") == "delete"):
            result.pop(key, None)
        else:
            result[key] = merged(_below(whole, key), result.get(key), item)
    return result


def _below(kind: Type, key: str) -> Type:
    if isinstance(kind, Struct):
        return kind.fields.get(key, kind)
    return kind.value if isinstance(kind, Map) else kind


def _directive(patch: Json) -> str:
    directive = patch["$patch"]
    if directive not in ("replace", "delete", "merge"):
        raise ValueError(f"unknown patch directive {directive}")
    return str(directive)


def _items(kind: Items, value: list[Any], patch: list[Any]) -> list[Any]:
    if kind.is_set:
        return [*value, *(one for one in patch if one not in value)]
    if not kind.keys:
        return [_plain(one) for one in patch]
    if {"$patch": "replace"} in patch:
        return [_plain(one) for one in patch if one != {"$patch": "replace"}]
    key, result = kind.keys[0], list(value)
    for one in patch:
        if key not in one:
            shown = " ".join(f"{name}:{item}" for name, item in sorted(one.items()))
            raise KeyError(f"map: map[{shown}] does not contain declared merge key: {key}")
        place = next((at for at, old in enumerate(result) if old.get(key) == one[key]), None)
        if one.get("$patch") == "delete":
            result = [old for old in result if old.get(key) != one[key]]
        elif place is None:
            result.append(merged(kind.element, {}, one))
        else:
            result[place] = merged(kind.element, result[place], one)
    return result


def _plain(value: Any) -> Any:
    """Without directives."""
    if not isinstance(value, dict):
        return value
    return {key: _plain(item) for key, item in value.items() if not key.startswith("$")}
