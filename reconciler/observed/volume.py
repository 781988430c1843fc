"""What is seen of a disk that is to be larger: its PersistentVolumeClaim. Pure: no await.

A claim is asked for more, its volume grows, and the file system at last; only then the capacity in
its status is the new one (kubernetes.io, "Expanding Persistent Volumes Claims").
"""

from dataclasses import replace

from app.domain.quantities import milli
from app.domain.reasons import Reason
from app.domain.states import Phase
from reconciler.manifests.kinds import CLAIM, Object
from reconciler.observed.fields import parts, text, title
from reconciler.observed.view import View


def asks_for(claim: Object) -> int:
    """What a claim is asked for, in thousandths of a byte."""
    return _size(text(claim, "spec", "resources", "requests", "storage"))


def growing(view: View, claim: Object, wanted: str) -> View:
    """The view of what runs, as long as its disk has not the size that is wanted."""
    if view.phase is not Phase.RUNNING or _capacity(claim) >= _size(wanted):
        return view
    said = [
        text(one, "message") or text(one, "type") for one in parts(claim, "status", "conditions")
    ]
    now = text(claim, "status", "capacity", "storage") or "no size yet"
    message = f"The disk has {now} of {wanted}. {' '.join(said)}".strip()
    culprit = title(CLAIM.kind, claim)
    return replace(
        view, phase=Phase.STARTING, reason=Reason.VOLUME_GROWING, message=message, object=culprit
    )


def _capacity(claim: Object) -> int:
    return _size(text(claim, "status", "capacity", "storage"))


def _size(quantity: str) -> int:
    return milli(quantity) or 0
