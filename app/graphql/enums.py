"""The enums of the schema: the domain's own, with what the schema says about each value."""

from enum import Enum

import strawberry

from app.db.audit import Outcome
from app.db.project_pages import ProjectOrderField
from app.domain.aggregate import ProjectStatus
from app.domain.anthropic import Apply
from app.domain.errors import MEANING, ErrorCode, InputErrorCode
from app.domain.pages import Direction
from app.domain.reasons import Turn
from app.domain.settings import Category, CredentialState
from app.domain.states import DesiredState, ResourceStatus
from app.domain.viewer import ActorKind, TokenScope
from app.live.streams import EventKind


def _describe(source: type[Enum], description: str, values: dict[str, str], name: str = "") -> None:
    made = strawberry.enum(source, name=name or source.__name__, description=description)
    for value in made.__strawberry_definition__.values:  # type: ignore[attr-defined]
        value.description = values[value.name]


_describe(
    ResourceStatus,
    ("What is to be seen of a resource, from what is wanted and what the cluster shows."),
    {
        "CREATING": "Made for the first time.",
        "STARTING": "On its way up.",
        "RUNNING": "Up and ready.",
        "STOPPING": "On its way down; data is kept.",
        "STOPPED": "Down; data is kept.",
        "TERMINATING": "Being removed, with its data.",
        "TERMINATED": "Gone; its record follows at once.",
        "ERROR": "It failed; `why` says what and when it is tried again.",
    },
)
_describe(
    ProjectStatus,
    ("The status of a project, from those of its resources; the rules are published in the docs."),
    {
        "CREATING": "One at least is made for the first time.",
        "STARTING": "All are running or on their way up.",
        "RUNNING": "All are up and ready.",
        "STOPPING": "All are stopped or on their way down.",
        "STOPPED": "All are down, or there are none.",
        "TERMINATING": "All are gone or being removed.",
        "TERMINATED": "All are gone; the project's record follows at once.",
        "ERROR": "One at least failed.",
        "PARTIAL": "They differ, and none of the above says how.",
    },
)
_describe(
    Turn,
    "Who can do something about what is the matter.",
    {
        "USER": "Whoever wants the resource: by another wish, input, image or setting.",
        "OPERATOR": (
            "Whoever runs the cluster or this installation; in a cluster of your own, you."
        ),
        "MOORING": "Nobody has to: it goes on by itself.",
    },
)
_describe(
    DesiredState,
    "What the user wants.",
    {
        "RUNNING": "Up and ready.",
        "STOPPED": "Down, data kept.",
        "DELETED": "Gone with its data; never changes again.",
    },
)
_describe(
    ActorKind,
    "What kind of actor.",
    {
        "USER": "A user who was signed in.",
        "TOKEN": "An API token of a user.",
        "SYSTEM": ("Mooring itself, from what it saw in the cluster or by a rule."),
    },
)
_describe(
    Outcome,
    "What came of something.",
    {
        "DONE": "It was done.",
        "REFUSED": "It was refused; `detail` has the code of the error.",
    },
    "AuditOutcome",
)
_describe(
    Category,
    "What a setting is about.",
    {
        "ANTHROPIC_API": "How sandboxes reach Anthropic's API.",
        "KC": "The viewer's own Kubernetes cluster.",
        "GITHUB": "GitHub.",
        "GENERAL": "Anything else.",
    },
    "SettingCategory",
)
_describe(
    CredentialState,
    "Whether a kubeconfig can be used.",
    {
        "CHECKING": "Mooring is about to look; `reason` says why that takes long.",
        "READY": "The cluster knows it, and it may do all that is needed.",
        "REFUSED": "It cannot be used; `reason` and `message` say why.",
    },
    "KubeconfigState",
)
_describe(
    Apply,
    "When sandboxes get changed settings.",
    {
        "AT_ONCE": "Now: those that run restart once.",
        "NEXT_START": "When they are next started; until then nothing restarts them for it.",
    },
    "ApplySettings",
)
_describe(
    InputErrorCode,
    "Which rule an input breaks.",
    {
        "REQUIRED": "Empty or null, and may not be.",
        "TOO_SHORT": "Too few characters or items.",
        "TOO_LONG": "Too many characters or items.",
        "INVALID": "Not of the form that is asked for.",
        "OUT_OF_RANGE": "A number or quantity beyond its bounds.",
        "TAKEN": "Someone or something else has this name.",
        "NOT_FOUND": "Nothing by this id that the viewer may use.",
        "NOT_ALLOWED": (
            "Well formed, but a rule of this installation forbids it, or a limit of"
            " the project is reached (`field` empty)."
        ),
    },
)
_describe(
    EventKind,
    "What a ProjectEvent says.",
    {
        "SNAPSHOT": ("The state of one project: part of a beginning, or of what follows a RESYNC."),
        "CHANGED": "Something in the project changed.",
        "DELETED": (
            "The project itself is gone; the end of a resource is a CHANGED with `deletedId`."
        ),
        "SYNCED": (
            "All up to `cursor` has been sent. After SNAPSHOTs: projects that were "
            "not among them are gone."
        ),
        "RESYNC": "Changes may have been missed; SNAPSHOTs and SYNCED follow.",
    },
    "ProjectEventKind",
)
_describe(
    ProjectOrderField,
    "What projects can be ordered by; equal ones by id.",
    {
        "CREATED_AT": "When created.",
        "UPDATED_AT": (
            "When last changed. Moves while you page: a project can turn up twice or be "
            "passed over."
        ),
        "NAME": "Name, without regard to case.",
    },
)
_describe(
    Direction,
    "Which way to order.",
    {
        "ASC": "Smallest, oldest or A first.",
        "DESC": "Largest, newest or Z first.",
    },
    "OrderDirection",
)
_describe(
    ErrorCode,
    "What a top-level error carries in extensions.code.",
    {code.name: meaning for code, (meaning, _) in MEANING.items()},
)
_describe(
    TokenScope,
    (
        "What an API token may do; none of them includes another. Whoever is signed in may do all "
        "of it."
    ),
    {
        "PROJECTS_READ": "See projects with all that is in them, their history and live changes.",
        "PROJECTS_WRITE": "Create, change, start, stop and delete them.",
        "SECRETS_READ": "Have secret values revealed.",
        "ACCOUNT": "See and change what is the user's own: sessions, settings, API tokens, audit.",
    },
)
