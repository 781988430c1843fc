"""What the server says it serves: /version, /api, /apis and the resource lists below them."""

from collections.abc import Callable
from functools import cache

from reconciler.simulator.kinds import KINDS, Kind
from reconciler.simulator.schema import Json

# The order of a CRD's kinds.
CUSTOM_VERBS = ["delete", "deletecollection", "get", "list", "patch", "create", "update", "watch"]
VERBS = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"]
# By group and version, then by plural.
REVIEWS: dict[str, dict[str, str]] = {
    "authentication.k8s.io/v1": {"selfsubjectreviews": "SelfSubjectReview"},
    "authorization.k8s.io/v1": {
        "selfsubjectaccessreviews": "SelfSubjectAccessReview",
        "selfsubjectrulesreviews": "SelfSubjectRulesReview",
    },
}
SCALE = {"group": "autoscaling", "version": "v1", "kind": "Scale"}
VERSION: Json = {
    "major": "1",
    "minor": "36",
    "gitVersion": "v1.36.2+mooring-simulator",
    "gitCommit": "",
    "gitTreeState": "",
    "buildDate": "1970-01-01T00:00:00Z",
    "goVersion": "",
    "compiler": "",
    "platform": "simulator",
}


@cache
def group_versions() -> tuple[str, ...]:
    """`group/version` of every group but the core, in order."""
    served = {kind.api_version for kind in KINDS if kind.group} | set(REVIEWS)
    return tuple(sorted(served))


def core(address: str) -> Json:
    served = [{"clientCIDR": "0.0.0.0/0", "serverAddress": address}]
    return {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": served}


def groups(hidden: Callable[[str], bool]) -> Json:
    """Each with the one version of it that is served."""
    found = [_group(api_version) for api_version in group_versions() if not hidden(api_version)]
    return {"kind": "APIGroupList", "apiVersion": "v1", "groups": found}


def group(name: str, hidden: Callable[[str], bool]) -> Json | None:
    for api_version in group_versions():
        if api_version.partition("/")[0] == name and not hidden(api_version):
            return {"kind": "APIGroup", "apiVersion": "v1", **_group(api_version)}
    return None


def _group(api_version: str) -> Json:
    name, _, version = api_version.partition("/")
    preferred = {"groupVersion": api_version, "version": version}
    return {"name": name, "versions": [preferred], "preferredVersion": preferred}


def resources(api_version: str, hides: Callable[[str, str], bool]) -> Json | None:
    """The APIResourceList of `v1` or `group/version`, without what is hidden of a group and kind;
    None when none of it is served."""
    if api_version in REVIEWS:
        found = [_review(plural, kind) for plural, kind in REVIEWS[api_version].items()]
    else:
        kinds = [
            kind
            for kind in KINDS
            if kind.api_version == api_version and not hides(kind.group, kind.kind)
        ]
        kinds.sort(key=lambda kind: kind.plural)
        found = [entry for kind in kinds for entry in _entries(kind)]
    if not found:
        return None
    body: Json = {"kind": "APIResourceList", "groupVersion": api_version, "resources": found}
    if api_version != "v1":
        body["apiVersion"] = "v1"
    return body


def _entries(kind: Kind) -> list[Json]:
    entry: Json = {
        "name": kind.plural,
        "singularName": kind.kind.lower(),
        "namespaced": kind.namespaced,
        "kind": kind.kind,
        "verbs": _verbs(kind),
    }
    if kind.short_names:
        entry["shortNames"] = list(kind.short_names)
    if kind.categories:
        entry["categories"] = list(kind.categories)
    below: list[Json] = [
        {
            "name": f"{kind.plural}/{subresource}",
            "singularName": "",
            "namespaced": kind.namespaced,
            "kind": kind.kind,
            "verbs": ["get", "patch", "update"],
            **(SCALE if subresource == "scale" else {}),
        }
        for subresource in kind.subresources
    ]
    return [entry, *below]


def _verbs(kind: Kind) -> list[str]:
    """A namespace's content goes with it: namespaces alone have no deletecollection."""
    found = CUSTOM_VERBS if kind.custom else VERBS
    return [verb for verb in found if kind.namespaced or verb != "deletecollection"]


def _review(plural: str, kind: str) -> Json:
    return {
        "name": plural,
        "singularName": kind.lower(),
        "namespaced": False,
        "kind": kind,
        "verbs": ["create"],
    }
