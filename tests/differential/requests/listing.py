"""Lists: selectors, pages, and which moment is shown."""

from tests.differential.objects import pod, secret
from tests.differential.request import Family, core, delete, get, post

SECRETS, PODS, EVENTS = core("secrets"), core("pods"), core("events")
SYNTAX = {"message": "texts of syntax errors are those of Python's parsers"}
NAMES = "items.*.metadata.name"
# {"v":"meta.k8s.io/v1","rv":2,"start":"a\u0000"}
FORGOTTEN = "eyJ2IjoibWV0YS5rOHMuaW8vdjEiLCJydiI6Miwic3RhcnQiOiJhXHUwMDAwIn0"


def labelled(selector: str) -> dict[str, str]:
    return {"labelSelector": selector}


LABELS = (
    post(
        "a secret with labels x=1 tier=db",
        SECRETS,
        secret("a", labels={"x": "1", "tier": "db"}),
        "kind",
    ),
    post(
        "a secret with labels x=2 tier=app",
        SECRETS,
        secret("b", labels={"x": "2", "tier": "app"}),
        "kind",
    ),
    post("a secret with labels x=3", SECRETS, secret("c", labels={"x": "3"}), "kind"),
    post("a secret without labels", SECRETS, secret("d"), "kind"),
    get("a label has a value", SECRETS, NAMES, "kind", "apiVersion", query=labelled("x=1")),
    get("a label has a value, with two signs", SECRETS, NAMES, query=labelled("x==1")),
    get("a label has another value, or is not there", SECRETS, NAMES, query=labelled("x!=1,x")),
    get("a label is one of two", SECRETS, NAMES, query=labelled("x in (1, 3)")),
    get(
        "a label is none of two, or not there", SECRETS, NAMES, query=labelled("x notin (1,2),tier")
    ),
    get("a label is there", SECRETS, NAMES, query=labelled("tier")),
    get("a label is not there", SECRETS, NAMES, query=labelled("!tier,x")),
    get("a label is more than a number", SECRETS, NAMES, query=labelled("x>1")),
    get("two requirements hold both", SECRETS, NAMES, query=labelled("x,tier=app")),
    get("a selector that is none is 400", SECRETS, query=labelled("x in")),
    get("a label's value that can be none is 400", SECRETS, query=labelled("x=a b")),
    get(
        "items of a list of a built-in kind have no kind",
        SECRETS,
        "items.*.kind",
        query=labelled("x=1"),
    ),
)

FIELDS = (
    get("a field selects by name", SECRETS, NAMES, query={"fieldSelector": "metadata.name=b"}),
    get(
        "a field excludes a name",
        SECRETS,
        NAMES,
        query={"fieldSelector": "metadata.name!=b", "labelSelector": "x"},
    ),
    get(
        "a field selects by namespace",
        SECRETS,
        NAMES,
        query={"fieldSelector": "metadata.namespace={ns}", "labelSelector": "x"},
    ),
    get("an unknown field is 400", SECRETS, query={"fieldSelector": "data.k=1"}),
    get("a field selector that is none is 400", SECRETS, query={"fieldSelector": "metadata.name"}),
    post("a pod to select", PODS, pod("one"), "kind", query={"fieldManager": "x"}),
    get(
        "pods are selected by service account",
        PODS,
        NAMES,
        query={"fieldSelector": "spec.serviceAccountName=default"},
    ),
    get("pods are not selected by image", PODS, query={"fieldSelector": "spec.image=a"}),
    post("a secret of a type", SECRETS, {**secret("s"), "type": "mooring.dev/x"}, "type"),
    get(
        "secrets are selected by type",
        SECRETS,
        NAMES,
        query={"fieldSelector": "type=mooring.dev/x"},
    ),
    post(
        "an event about somebody",
        EVENTS,
        {
            "metadata": {"name": "e"},
            "reason": "Tested",
            "type": "Warning",
            "message": "m",
            "involvedObject": {
                "kind": "Pod",
                "name": "one",
                "namespace": "{ns}",
                "uid": "11111111-2222-4333-8444-555555555555",
            },
        },
        "involvedObject",
        "reason",
        "source",
        "firstTimestamp",
        "eventTime",
        "reportingComponent",
    ),
    get(
        "events are selected by the uid of what they are about",
        EVENTS,
        NAMES,
        query={"fieldSelector": "involvedObject.uid=11111111-2222-4333-8444-555555555555"},
    ),
    get(
        "events are selected by two fields",
        EVENTS,
        NAMES,
        query={"fieldSelector": "type=Warning,reason=Tested"},
    ),
)

PAGES = (
    get(
        "a first page says how many are left",
        SECRETS,
        NAMES,
        "metadata.remainingItemCount",
        query={"limit": "2"},
        keep={"next": "metadata.continue", "moment": "metadata.resourceVersion"},
    ),
    post("a secret is made between two pages", SECRETS, secret("cc"), "kind"),
    get(
        "the next page shows the moment of the first",
        SECRETS,
        NAMES,
        "metadata.resourceVersion",
        "metadata.remainingItemCount",
        query={"limit": "2", "continue": "{next}"},
        keep={"last": "metadata.continue"},
    ),
    get(
        "the last page has no token",
        SECRETS,
        NAMES,
        "metadata.continue",
        query={"limit": "2", "continue": "{last}"},
    ),
    get(
        "a page under a selector does not say how many are left",
        SECRETS,
        NAMES,
        "metadata.remainingItemCount",
        query={"limit": "1", "labelSelector": "x"},
    ),
    get(
        "a limit that is large is no page",
        SECRETS,
        NAMES,
        "metadata.continue",
        query={"limit": "500"},
    ),
    get("a limit that is no number is 400", SECRETS, query={"limit": "two"}),
    get(
        "a token that is none is 400",
        SECRETS,
        query={"limit": "2", "continue": "nonsense"},
        differs=SYNTAX,
    ),
    get(
        "a token of a version that is forgotten is 410 with another",
        SECRETS,
        query={"limit": "2", "continue": FORGOTTEN},
        forgotten=True,
    ),
    get(
        "a token goes with no version",
        SECRETS,
        query={"limit": "2", "continue": "{next}", "resourceVersion": "{moment}"},
    ),
)

VERSIONS = (
    get("version 0 is any moment", SECRETS, "kind", query={"resourceVersion": "0"}),
    get("a version is a moment not older", SECRETS, "kind", query={"resourceVersion": "{moment}"}),
    get(
        "an exact version is the past",
        SECRETS,
        NAMES,
        "metadata.resourceVersion",
        query={"resourceVersion": "{moment}", "resourceVersionMatch": "Exact"},
    ),
    get("a version of the future is 504", SECRETS, query={"resourceVersion": "9999999999"}),
    get("a version that is no number is 400", SECRETS, query={"resourceVersion": "new"}),
    get(
        "an object of a version of the future is 504",
        f"{SECRETS}/a",
        query={"resourceVersion": "9999999999"},
    ),
    get("a match without a version is 422", SECRETS, query={"resourceVersionMatch": "Exact"}),
    get(
        "an unknown match is 422",
        SECRETS,
        query={"resourceVersion": "1", "resourceVersionMatch": "Sometimes"},
    ),
    get(
        "exactly version 0 is 422",
        SECRETS,
        query={"resourceVersion": "0", "resourceVersionMatch": "Exact"},
    ),
)

DELETED = (
    delete(
        "a dry run deletes no collection",
        SECRETS,
        None,
        NAMES,
        query={**labelled("x"), "dryRun": "All"},
    ),
    delete(
        "a collection is deleted by label and answered",
        SECRETS,
        None,
        NAMES,
        "kind",
        query=labelled("x"),
    ),
    get("what has not the label is left", SECRETS, NAMES),
)

FAMILY = Family("listing", (*LABELS, *FIELDS, *PAGES, *VERSIONS, *DELETED))
