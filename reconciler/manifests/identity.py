"""Names, labels and annotations that tell whose an object is (kubernetes.md section 1).

Selectors use `RESOURCE` alone. The generation is an annotation, never a label, and not on the pod
template; nothing that changes per claim is ever written, else each pass would wake the next.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from uuid import UUID

import orjson

from app.domain.names import slug_of
from reconciler.manifests.kinds import Kind, Object

MANAGER = "mooring"
RESOURCE = "mooring.dev/resource"
PROJECT = "mooring.dev/project"
# On what an installation writes itself, not on pods and volumes, which could not be given it
# without being made anew (docs/decisions).
INSTALLATION = "mooring.dev/installation"
MANAGED_BY = "app.kubernetes.io/managed-by"
GENERATION = "mooring.dev/generation"
# Hash of the body as we last sent it: also shows that a field was taken out of a manifest.
APPLIED = "mooring.dev/applied"


@dataclass(frozen=True, slots=True)
class Owner:
    """The row that objects belong to, and the name that theirs derive from."""

    id: UUID
    project_id: UUID
    generation: int
    namespace: str
    name: str
    component: str
    installation: UUID | None = None

    @property
    def labels(self) -> dict[str, str]:
        """On every object and on pod templates."""
        return {
            "app.kubernetes.io/name": self.component,
            "app.kubernetes.io/instance": self.name,
            "app.kubernetes.io/part-of": slug_of(self.name),
            MANAGED_BY: MANAGER,
            PROJECT: str(self.project_id),
            RESOURCE: str(self.id),
        }

    @property
    def selector(self) -> dict[str, str]:
        """What selects this resource's pods."""
        return {RESOURCE: str(self.id)}


def build(
    kind: Kind,
    owner: Owner,
    name: str,
    content: Object,
    annotations: Mapping[str, str] = MappingProxyType({}),
    *,
    labels: Mapping[str, str] = MappingProxyType({}),
) -> Object:
    """An object of `owner` to be applied; `content` is what stands beside metadata, `annotations`
    and `labels` what joins those of every object."""
    body: Object = {
        "apiVersion": kind.api_version,
        "kind": kind.kind,
        "metadata": {
            "name": name,
            "namespace": owner.namespace,
            "labels": {**owner.labels, **mark_of(owner.installation), **labels},
            "annotations": {GENERATION: str(owner.generation), **annotations},
        },
        **content,
    }
    body["metadata"]["annotations"][APPLIED] = digest(body)
    return body


def mark_of(installation: UUID | None) -> dict[str, str]:
    """The label of what this installation writes."""
    return {INSTALLATION: str(installation)} if installation else {}


def digest(value: object) -> str:
    """A short hash of a JSON value, whatever the order of its keys."""
    serialised = orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(serialised).hexdigest()[:32]
