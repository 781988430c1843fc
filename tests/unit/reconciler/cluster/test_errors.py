"""What answers of an API server mean."""

import pytest

from app.domain.reasons import Reason
from reconciler.cluster.errors import ClusterError, Meaning, culprit_of, meaning_of

PODS = "/api/v1/namespaces/mooring/pods"
WEBHOOK = 'admission webhook "debt.example.dev" denied the request: account balance below 0'
POLICY = (
    "pods p is forbidden: ValidatingAdmissionPolicy 'cost' with binding 'all' denied request: no"
)
NO_ACCOUNT = 'pods "p" is forbidden: error looking up service account a/default: not found'
UNCOUNTED = 'pods "p" is forbidden: status unknown for quota: q, resources: pods'
SECURITY = 'pods "p" is forbidden: violates PodSecurity "restricted:latest": x'


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (422, {"message": "immutable"}, Meaning.INVALID),
        (500, {"message": ".spec.x: field not declared in schema"}, Meaning.INVALID),
        (500, {"message": "etcd"}, Meaning.UNAVAILABLE),
        (401, {}, Meaning.UNAUTHORIZED),
        (403, {"message": "exceeded quota: q"}, Meaning.QUOTA),
        (
            403,
            {"message": "pods p is forbidden: failed quota: q: must specify limits.cpu"},
            Meaning.QUOTA,
        ),
        (403, {"message": WEBHOOK}, Meaning.DENIED),
        (400, {"message": WEBHOOK}, Meaning.DENIED),
        (403, {"message": POLICY}, Meaning.DENIED),
        (422, {"message": POLICY}, Meaning.DENIED),
        (403, {"message": NO_ACCOUNT}, Meaning.BROKEN),
        (403, {"message": UNCOUNTED}, Meaning.BROKEN),
        (500, {"message": "Internal error occurred: failed calling webhook"}, Meaning.BROKEN),
        (403, {"message": "maximum cpu usage per Container is 1, but limit is 2"}, Meaning.DENIED),
        (403, {"message": 'violates PodSecurity "restricted"'}, Meaning.POD_SECURITY),
        (
            403,
            {"message": "x", "details": {"causes": [{"reason": "NamespaceTerminating"}]}},
            Meaning.NAMESPACE,
        ),
        (403, {"message": "cannot create"}, Meaning.FORBIDDEN),
        (404, {"kind": "Status", "details": {"kind": "namespaces"}}, Meaning.NAMESPACE_MISSING),
        (404, {"kind": "Status", "details": {"kind": "pods"}}, Meaning.NOT_FOUND),
        (404, "404 page not found", Meaning.NOT_SERVED),
        (404, {"kind": "Status", "message": "could not find the resource"}, Meaning.NOT_SERVED),
        (404, {"error": "no such route"}, Meaning.NONSENSE),
        (404, "<html>", Meaning.NONSENSE),
        (404, "not here", Meaning.NONSENSE),
        (403, "<html>", Meaning.NONSENSE),
        (401, "<html>", Meaning.UNAUTHORIZED),
        (429, "Too many requests, please try again later.", Meaning.THROTTLED),
        (409, {"message": "x"}, Meaning.CONFLICT),
        (410, {"message": "x"}, Meaning.EXPIRED),
        (429, {"message": "x"}, Meaning.THROTTLED),
        (502, "<html>", Meaning.UNAVAILABLE),
    ],
)
def test_what_an_answer_means(status: int, body: object, expected: Meaning) -> None:
    assert meaning_of(status, body) == expected


@pytest.mark.parametrize("meaning", Meaning)
def test_every_meaning_has_a_reason_of_the_table(meaning: Meaning) -> None:
    assert ClusterError(meaning, 0, "").reason in Reason


@pytest.mark.parametrize(
    ("body", "culprit"),
    [
        ({"message": "exceeded quota: small, used: 1"}, "ResourceQuota/small"),
        ({"message": SECURITY, "details": {"kind": "pods", "name": "p"}}, "Namespace/mooring"),
        ({"message": "x", "details": {"kind": "statefulsets", "name": "s"}}, "StatefulSet/s"),
        ({"message": "x", "details": {"kind": "StatefulSet", "name": "s"}}, "StatefulSet/s"),
        ({"message": "x", "details": {"kind": "namespaces", "name": "n"}}, "Namespace/n"),
        ({"message": "x", "details": {"kind": "pods"}}, None),
        ({"message": "x", "details": None}, None),
        ("404 page not found", None),
    ],
)
def test_the_culprit_is_named_where_the_answer_names_one(body: object, culprit: str | None) -> None:
    assert culprit_of(body, PODS) == culprit
