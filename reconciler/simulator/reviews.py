"""Access reviews: the one user of this cluster may do everything but what a fault answers 403."""

import orjson
from starlette.requests import Request
from starlette.responses import Response

from reconciler.simulator import discovery
from reconciler.simulator.bodies import PROTOBUF
from reconciler.simulator.faults import Answer, Faults
from reconciler.simulator.kinds import KINDS
from reconciler.simulator.resources import answer, method_not_allowed
from reconciler.simulator.schema import Json
from reconciler.simulator.status import bad_request, no_such_resource

ALL: Json = {
    "resourceRules": [{"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}],
    "nonResourceRules": [{"verbs": ["*"], "nonResourceURLs": ["*"]}],
    "incomplete": False,
}


async def review(request: Request, below: list[str], faults: Faults) -> Response:
    """Raises Refusal 404, 405 or 400."""
    kind = dict(discovery.REVIEWS).get(below[0])
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
    status = {"allowed": _allowed(spec, faults)} if kind == "SelfSubjectAccessReview" else ALL
    body = {
        "kind": kind,
        "apiVersion": discovery.AUTHORIZATION,
        "metadata": {},
        "spec": spec,
        "status": status,
    }
    return answer(orjson.dumps(body), 201)


def _allowed(spec: Json, faults: Faults) -> bool:
    wanted = spec.get("resourceAttributes") or {}
    group, plural = wanted.get("group", ""), wanted.get("resource", "")
    kind = next((one.kind for one in KINDS if (one.group, one.plural) == (group, plural)), "")
    verb, namespace, name = (wanted.get(part, "") for part in ("verb", "namespace", "name"))
    rule = faults.asked(Answer, verb, kind, namespace, name)
    return rule is None or rule.code != 403
