"""Reviews of oneself: the one user of this cluster may do everything but what a fault answers 403.

Bodies are those of kube-apiserver 1.36 for a member of `system:masters`. With such faults the rules
are those of RBAC that leave just these verbs out: one for each kind.
"""

import orjson
from starlette.requests import Request
from starlette.responses import Response

from reconciler.simulator import discovery
from reconciler.simulator.bodies import PROTOBUF, Decoded, parsed, typed
from reconciler.simulator.clock import now
from reconciler.simulator.disturbance import USER
from reconciler.simulator.faults import Answer, Faults
from reconciler.simulator.kinds import KINDS, Kind
from reconciler.simulator.names import invalid_value
from reconciler.simulator.resources import answer, method_not_allowed
from reconciler.simulator.schema import Json
from reconciler.simulator.status import Cause, Refusal, bad_request, no_such_resource

_ALL: Json = {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}
_PATHS: Json = {"verbs": ["*"], "nonResourceURLs": ["*"]}
_WHO: Json = {"username": USER, "groups": ["system:masters", "system:authenticated"]}


async def review(request: Request, version: str, below: list[str], faults: Faults) -> Response:
    """Raises Refusal 404, 405 or 400."""
    kind = discovery.REVIEWS[version].get(below[0])
    if kind is None or len(below) > 1:
        raise no_such_resource()
    if request.method != "POST":
        raise method_not_allowed()
    # kubectl asks in protobuf, and takes JSON for an answer.
    binary = request.headers.get("Content-Type", "").startswith(PROTOBUF)
    asked = Decoded({}, []) if binary else await _asked(request, version, kind)
    spec = asked.body.get("spec", {})
    body: Json = {"kind": kind, "apiVersion": version, "metadata": {}}
    if kind == "SelfSubjectReview":
        body |= {"metadata": {"creationTimestamp": now()}, "status": {"userInfo": _WHO}}
    elif kind == "SelfSubjectAccessReview":
        if not binary:
            _one_question(spec)
        body |= {"spec": spec, "status": {"allowed": _allowed(spec, faults)}}
    else:
        # In protobuf we cannot read for which; kubectl asks for what is written in its own.
        namespace = "" if binary else spec.get("namespace", "")
        if not namespace and not binary:
            raise bad_request("no namespace on request")
        body |= {"spec": {}, "status": _rules(namespace, faults)}
    return answer(orjson.dumps(body), 201, asked.warnings)


async def _asked(request: Request, version: str, name: str) -> Decoded:
    """Raises Refusal 400, 415."""
    group, _, number = version.rpartition("/")
    kind = Kind(group, number, name, f"{name.lower()}s", namespaced=False)
    found = parsed(await request.body(), request.headers.get("Content-Type", ""), kind)
    return typed(kind, found, request.query_params.get("fieldValidation", "Warn"))


def _one_question(spec: Json) -> None:
    """Raises Refusal 422."""
    of_objects, of_paths = spec.get("resourceAttributes"), spec.get("nonResourceAttributes")
    if of_objects and of_paths:
        shown = orjson.dumps({key.title(): value for key, value in of_paths.items()}).decode()
        why = "cannot be specified in combination with resourceAttributes"
        raise _invalid(invalid_value(shown, why, "spec.nonResourceAttributes"))
    if not of_objects and not of_paths:
        why = "exactly one of nonResourceAttributes or resourceAttributes must be specified"
        raise _invalid(invalid_value("null", why, "spec.resourceAttributes"))


def _invalid(cause: Cause) -> Refusal:
    """Upstream names no kind."""
    group = "authorization.k8s.io"
    message = f'.{group} "" is invalid: {cause.field}: {cause.message}'
    return Refusal(422, message, details={"group": group, "causes": [cause.body()]})


def _allowed(spec: Json, faults: Faults) -> bool:
    wanted = spec.get("resourceAttributes") or {}
    group, plural = wanted.get("group", ""), wanted.get("resource", "")
    kind = next((one.kind for one in KINDS if (one.group, one.plural) == (group, plural)), "")
    verb, namespace, name = (wanted.get(part, "") for part in ("verb", "namespace", "name"))
    return not _forbidden(faults, verb, kind, namespace, name)


def _forbidden(faults: Faults, verb: str, kind: str, namespace: str, name: str = "") -> bool:
    rule = faults.asked(Answer, verb, kind, namespace, name)
    return rule is not None and rule.code == 403


def _rules(namespace: str, faults: Faults) -> Json:
    found = [_ALL]
    if any(isinstance(rule, Answer) and rule.code == 403 for rule in faults.rules):
        found = [_rule(kind, namespace, faults) for kind in KINDS]
    return {"resourceRules": found, "nonResourceRules": [_PATHS], "incomplete": False}


def _rule(kind: Kind, namespace: str, faults: Faults) -> Json:
    may = [verb for verb in discovery.VERBS if not _forbidden(faults, verb, kind.kind, namespace)]
    return {"verbs": may, "apiGroups": [kind.group], "resources": [kind.plural]}
