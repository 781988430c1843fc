"""Merge patch (RFC 7396) and JSON patch (RFC 6902); strategic merge patch is in `strategic`."""

from typing import Any

from reconciler.simulator.schema import Json
from reconciler.simulator.status import Refusal, bad_request


def merged(value: Any, patch: Any) -> Any:
    if not isinstance(patch, dict):
        return patch
    result = dict(value) if isinstance(value, dict) else {}
    for key, item in patch.items():
        if item is None:
            result.pop(key, None)
        else:
            result[key] = merged(result.get(key), item)
    return result


def json_patched(body: Json, operations: Any) -> Json:
    """Raises Refusal: 400 for what is no patch, 422 for one that does not fit (as upstream)."""
    if not isinstance(operations, list):
        raise bad_request(
            "error decoding patch: json: cannot unmarshal object into Go value of type"
            " []handlers.jsonPatchOp"
        )
    result: Any = body
    for operation in operations:
        try:
            result = _operated(result, operation)
        except (KeyError, IndexError, ValueError, TypeError):
            message = "the server rejected our request due to an error in our request"
            raise Refusal(422, message, details={}) from None
    patched: Json = result
    return patched


def _operated(document: Any, operation: Json) -> Any:
    act, path = operation["op"], _pointer(operation["path"])
    if act == "test":
        if _at(document, path) != operation["value"]:
            raise ValueError(path)
        return document
    if act == "remove":
        return _removed(document, path)
    if act == "replace":
        _at(document, path)
        return _put(document, path, operation["value"], insert=False)
    if act == "add":
        return _put(document, path, operation["value"], insert=True)
    source = _pointer(operation["from"])
    value = _at(document, source)
    if act == "move":
        document = _removed(document, source)
    elif act != "copy":
        raise ValueError(act)
    return _put(document, path, value, insert=True)


def _pointer(text: str) -> list[str]:
    if text and not text.startswith("/"):
        raise ValueError(text)
    return [part.replace("~1", "/").replace("~0", "~") for part in text.split("/")[1:]]


def _at(document: Any, path: list[str]) -> Any:
    for part in path:
        document = document[int(part)] if isinstance(document, list) else document[part]
    return document


def _put(document: Any, path: list[str], value: Any, *, insert: bool) -> Any:
    if not path:
        return value
    head, *rest = path
    if isinstance(document, list):
        copy = list(document)
        place = len(copy) if head == "-" else int(head)
        if rest:
            copy[place] = _put(copy[place], rest, value, insert=insert)
        elif insert:
            if place > len(copy):
                raise IndexError(place)
            copy.insert(place, value)
        else:
            copy[place] = value
        return copy
    return {**document, head: _put(document[head], rest, value, insert=insert) if rest else value}


def _removed(document: Any, path: list[str]) -> Any:
    head, *rest = path
    if isinstance(document, list):
        copy = list(document)
        if rest:
            copy[int(head)] = _removed(copy[int(head)], rest)
        else:
            del copy[int(head)]
        return copy
    changed = dict(document)
    if rest:
        changed[head] = _removed(document[head], rest)
    else:
        del changed[head]
    return changed
