"""The schema, as SQLAlchemy models; migrations are checked against it.

Statements on these tables live in the modules of `app/db`, one per noun, as `text()` with bound
types (ORM costs 2.5 times as much on the hot ones, data-layer.md section 9). Who writes what:

- `resource`: desired_state, generation and its relatives, name by the API;
  phase to held_until by the reconciler's record; status by Postgres; asked, lane and due_at
  by both, through `resources.ask` and the record; the lease by claim, renew and record.
- `sandbox`: spec by the API with the intent, the two addresses by the record;
  `sandbox_port` by the API, until the record removes the sandbox.
- `anthropic_version`: the API; `sandbox.anthropic_id` with the intent that starts it.
- `database`: spec by the API with the intent, released by an order of its own; host to password by
  the record.
- `credential`: the model by the API, state to attempts by the reconciler, the rest as `resource`.
- `environment`, and all of a user's own (identities, sessions, tokens, settings): the API.
- `audit`: whoever did something, in the same transaction; nobody changes a line.
- `project.status`, `feed` and `change`: whoever moved something visible, in the same transaction;
  `retention` raises a feed's floor and takes old changes away.

`change` has no foreign key but to `feed`, and children go by id, not by cascade: a key check locks
the parent at the end of a transaction, against the lock order (data-layer.md section 1).
"""

from app.db.models.base import Base
from app.db.models.identity import (
    Account,
    ApiToken,
    Idempotency,
    Membership,
    Session,
    Throttle,
    User,
    UserConfig,
    UserIdentity,
)
from app.db.models.log import Audit, Change, Feed, Installation
from app.db.models.projects import (
    AnthropicVersion,
    Credential,
    Database,
    Environment,
    Project,
    Resource,
    Sandbox,
    SandboxPort,
)

__all__ = [
    "Account",
    "AnthropicVersion",
    "ApiToken",
    "Audit",
    "Base",
    "Change",
    "Credential",
    "Database",
    "Environment",
    "Feed",
    "Idempotency",
    "Installation",
    "Membership",
    "Project",
    "Resource",
    "Sandbox",
    "SandboxPort",
    "Session",
    "Throttle",
    "User",
    "UserConfig",
    "UserIdentity",
]
