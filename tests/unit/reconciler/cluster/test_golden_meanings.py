"""What the recorded answers of a real API server mean to the reconciler."""

import pytest

from reconciler.cluster.errors import Meaning, meaning_of
from tests.differential import golden
from tests.differential.families import FAMILIES

BY_NAME = {family.name: family for family in FAMILIES}


@pytest.mark.parametrize(
    ("family", "request_name", "expected"),
    [
        ("applying", "an immutable field is 422 and names those that are not", Meaning.INVALID),
        ("applying", "an unknown field is 500 and says so", Meaning.INVALID),
        ("applying", "another manager's value is a conflict that names both", Meaning.CONFLICT),
        ("decoding", "an applied amount that is none", Meaning.INVALID),
        ("decoding", "an applied text where a number belongs", Meaning.INVALID),
        ("decoding", "applied bytes that are not base64", Meaning.INVALID),
        ("naming", "a Secret has one MiB at most", Meaning.INVALID),
        ("naming", "three MiB are read at most", Meaning.INVALID),
        ("admitting", "a pod beyond the quota is refused", Meaning.QUOTA),
        ("admitting", "a pod without what the quota counts is refused", Meaning.QUOTA),
        ("admitting", "a claim beyond the quota is refused", Meaning.QUOTA),
        ("admitting", "a host port is refused under baseline", Meaning.POD_SECURITY),
        ("admitting", "a container over the range is refused", Meaning.DENIED),
        ("admitting", "a claim under the range is refused", Meaning.DENIED),
        ("namespacing", "nothing is made in a namespace that ends", Meaning.NAMESPACE),
        ("namespacing", "nothing is applied that is not there", Meaning.NAMESPACE),
        (
            "missing",
            "a creation in a missing namespace is 404 with the namespace",
            Meaning.NAMESPACE_MISSING,
        ),
        ("missing", "an object that is missing is 404 with its kind", Meaning.NOT_FOUND),
        ("missing", "an unknown group is plain text", Meaning.NOT_SERVED),
        ("missing", "an unknown version of a known group is a bare Status", Meaning.NOT_SERVED),
        ("missing", "a wrong token is 401", Meaning.UNAUTHORIZED),
        ("missing", "no token is 403 for system:anonymous", Meaning.FORBIDDEN),
        ("deleting", "another uid than asked for is 409", Meaning.CONFLICT),
        ("deleting", "what is gone is 404", Meaning.NOT_FOUND),
        ("listing", "a version of the future is 504", Meaning.UNAVAILABLE),
        (
            "listing",
            "a token of a version that is forgotten is 410 with another",
            Meaning.EXPIRED,
        ),
    ],
)
def test_a_recorded_answer_means(family: str, request_name: str, expected: Meaning) -> None:
    said = golden.read(BY_NAME[family])[request_name]

    body = said.get("text", {"kind": "Status", **said})
    assert meaning_of(said["code"], body) == expected
