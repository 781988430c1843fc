"""Everything that can be changed, by noun; each calls one verb in one unit of work."""

from __future__ import annotations

import strawberry

from app.graphql.mutations.accounts import AccountMutations
from app.graphql.mutations.apitokens import ApiTokenMutations
from app.graphql.mutations.databases import DatabaseMutations
from app.graphql.mutations.environment import EnvironmentMutations
from app.graphql.mutations.identities import IdentityMutations
from app.graphql.mutations.kubeconfig import KubeconfigMutations
from app.graphql.mutations.projects import ProjectMutations
from app.graphql.mutations.reveals import RevealMutations
from app.graphql.mutations.sandboxes import SandboxMutations
from app.graphql.mutations.sealos import SealosMutations
from app.graphql.mutations.sessions import SessionMutations
from app.graphql.mutations.settings import SettingMutations
from app.graphql.mutations.users import UserMutations


@strawberry.type(
    description=(
        "Everything that can be changed. Start, stop, delete and retry write down "
        "what is wanted and answer at once; they are accepted in any state, and "
        "repeating one changes nothing. Once DELETED is wanted only delete and "
        "retry are accepted (DELETION_REQUESTED)."
    )
)
class Mutation(
    UserMutations,
    AccountMutations,
    SessionMutations,
    IdentityMutations,
    SealosMutations,
    ApiTokenMutations,
    KubeconfigMutations,
    ProjectMutations,
    SandboxMutations,
    DatabaseMutations,
    EnvironmentMutations,
    RevealMutations,
    SettingMutations,
):
    """Everything that can be changed."""
