"""Reviews of oneself: the one user of this cluster may do everything but what a fault answers 403.

Bodies are those of kube-apiserver 1.36 for a member of `system:masters`. With such faults the rules
are those of RBAC that leave just these verbs out: one for each kind.
"""

import orjson
from starlette.requests import Request
from starlette.responses import Response

from reconciler.simulator import discovery
from reconciler.simulator.bodies import PROTOBUF
from reconciler.simulator.clock import now
from reconciler.simulator.disturbance import USER
from reconciler.simulator.faults import Answer, Faults
from reconciler.simulator.kinds import KINDS, Kind
from reconciler.simulator.resources import answer, method_not_allowed
from reconciler.simulator.schema import Json
from reconciler.simulator.status import bad_request, no_such_resource

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
    try:
        # kubectl asks in protobuf, and takes JSON for an answer.
        binary = request.headers.get("Content-Type", "").startswith(PROTOBUF)
        asked = {} if binary else orjson.loads(await request.body())
        spec = asked.get("spec", {})
    except (ValueError, AttributeError):
        raise bad_request(f"the object provided is unrecognized (must be {kind})") from None
    body: Json = {"kind": kind, "apiVersion": version, "metadata": {}}
    if kind == "SelfSubjectReview":
        body |= {"metadata": {"creationTimestamp": now()}, "status": {"userInfo": _WHO}}
    elif kind == "SelfSubjectAccessReview":
        body |= {"spec": spec, "status": {"allowed": _allowed(spec, faults)}}
    else:
        # In protobuf we cannot read for which; kubectl asks for what is written in its own.
        namespace = "" if binary else spec.get("namespace", "")
        if not namespace and not binary:
            raise bad_request("no namespace on request")
        body |= {"spec": {}, "status": _rules(namespace, faults)}
    return answer(orjson.dumps(body), 201)


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
