"""Watches: from a version, with a selection, bookmarks, and an end."""

from tests.differential.objects import config_map
from tests.differential.request import Family, core, delete, get, patch, post, watch

MAPS = core("configmaps")
NAME = "object.metadata.name"
SELECTED = {"labelSelector": "app=mooring"}

FAMILY = Family(
    "watching",
    (
        post(
            "a map to watch",
            MAPS,
            config_map("a", {"k": "1"}, labels={"app": "mooring"}),
            "kind",
            keep={"begin": "metadata.resourceVersion"},
        ),
        patch("it changes", f"{MAPS}/a", {"data": {"k": "2"}}, "data"),
        patch(
            "it leaves the selection", f"{MAPS}/a", {"metadata": {"labels": {"app": "x"}}}, "data"
        ),
        patch(
            "it comes back into the selection",
            f"{MAPS}/a",
            {"metadata": {"labels": {"app": "mooring"}}},
            "data",
            keep={"later": "metadata.resourceVersion"},
        ),
        delete("it goes", f"{MAPS}/a", None, "status"),
        post(
            "a second map",
            MAPS,
            config_map("b", labels={"app": "mooring"}),
            "kind",
            keep={"end": "metadata.resourceVersion"},
        ),
        watch(
            "a watch tells what came after its version",
            MAPS,
            5,
            NAME,
            "object.data",
            "object.metadata.labels",
            "object.kind",
            query={"resourceVersion": "{begin}"},
        ),
        watch(
            "entering a selection is ADDED and leaving it DELETED",
            MAPS,
            5,
            NAME,
            "object.data",
            "object.metadata.labels",
            query={"resourceVersion": "{begin}", **SELECTED},
        ),
        watch(
            "a watch by name",
            MAPS,
            1,
            NAME,
            query={"resourceVersion": "{begin}", "fieldSelector": "metadata.name=b"},
        ),
        watch("a watch without a version begins with what is there", MAPS, 1, NAME, query=SELECTED),
        watch(
            "a watch from 0 begins with what is there",
            MAPS,
            1,
            NAME,
            query={"resourceVersion": "0", **SELECTED},
        ),
        watch(
            "initial events end with a bookmark that says so",
            MAPS,
            2,
            "object.kind",
            "object.metadata.annotations",
            NAME,
            query={
                "sendInitialEvents": "true",
                "allowWatchBookmarks": "true",
                "resourceVersionMatch": "NotOlderThan",
                **SELECTED,
            },
        ),
        watch(
            "a watch of a second has no bookmark",
            MAPS,
            1,
            query={
                "resourceVersion": "{end}",
                "timeoutSeconds": "1",
                "allowWatchBookmarks": "true",
                **SELECTED,
            },
            differs={"events": "a short watch ends with a bookmark too; upstream's from 8 s on"},
        ),
        watch(
            "a version that is forgotten is 410 in an event",
            MAPS,
            1,
            "object.code",
            "object.reason",
            "object.kind",
            query={"resourceVersion": "1"},
            forgotten=True,
        ),
        watch(
            "a version of the future is waited for in silence",
            MAPS,
            1,
            query={"resourceVersion": "9999999999", "timeoutSeconds": "1"},
        ),
        watch("a version that is no number is 400", MAPS, 1, query={"resourceVersion": "new"}),
        watch(
            "initial events without a match are 422", MAPS, 1, query={"sendInitialEvents": "true"}
        ),
        get("a watch of a kind that is not there is 404", core("things"), query={"watch": "true"}),
        watch("a selector that is none is 400", MAPS, 1, query={"labelSelector": "x in"}),
    ),
)
