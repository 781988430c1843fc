"""Mutations of the viewer's kubeconfig.

Here a file is only read: form, fields and literal addresses. Which address a name has, who the
credential is and what it may do is the reconciler's to find out; `settingChanged` tells.
"""

from __future__ import annotations

import asyncio

import strawberry

from app.auth.kubeconfigs import parse_kubeconfig, written_rules
from app.domain.errors import InvalidInput
from app.domain.viewer import TokenScope
from app.graphql.inputs import KubeconfigInput
from app.graphql.mutations.edge import as_data
from app.graphql.nodes import Info
from app.graphql.payloads import (
    CheckKubeconfigPayload,
    DeleteKubeconfigPayload,
    SetKubeconfigPayload,
)
from app.graphql.settings import kubeconfig
from app.services import kubeconfigs


@strawberry.type
class KubeconfigMutations:
    """Everything that can be done to the viewer's kubeconfig."""

    @strawberry.mutation(
        description=(
            "Bring a cluster of one's own: what is made from now on goes to the current context's"
            " server and namespace. It is looked at at once; `settingChanged` says what came of it."
        )
    )
    async def set_kubeconfig(
        self, info: Info, input: KubeconfigInput
    ) -> SetKubeconfigPayload | None:
        """Set it; InputErrors name each field that is refused."""
        viewer, state = info.context.viewer(TokenScope.ACCOUNT), info.context.state
        rules = written_rules(state.settings)
        try:
            read = await asyncio.to_thread(
                parse_kubeconfig, input.kubeconfig, ("kubeconfig",), rules
            )
        except InvalidInput as wrong:
            return SetKubeconfigPayload(kubeconfig=None, errors=as_data(info, wrong))
        row = await state.database.transact(
            viewer, lambda session: kubeconfigs.put(session, viewer, state.makers.keys, read)
        )
        return SetKubeconfigPayload(kubeconfig=kubeconfig(row), errors=[])

    @strawberry.mutation(
        description="Look again now at the kubeconfig and at all that is reached by it."
    )
    async def check_kubeconfig(self, info: Info) -> CheckKubeconfigPayload | None:
        """Have it looked at again; NOT_FOUND without one."""
        viewer = info.context.viewer(TokenScope.ACCOUNT)
        row = await info.context.state.database.transact(
            viewer, lambda session: kubeconfigs.check(session, viewer)
        )
        return CheckKubeconfigPayload(kubeconfig=kubeconfig(row))

    @strawberry.mutation(
        description=(
            "Forget the kubeconfig. What was made through it stays in its cluster, out of Mooring's"
            " reach (CredentialMismatch), until one for the same server and namespace is set; what"
            " is made from now on goes to the operator's cluster."
        )
    )
    async def delete_kubeconfig(self, info: Info) -> DeleteKubeconfigPayload | None:
        """Forget it; NOT_FOUND without one."""
        viewer = info.context.viewer(TokenScope.ACCOUNT)
        row = await info.context.state.database.transact(
            viewer, lambda session: kubeconfigs.delete(session, viewer)
        )
        return DeleteKubeconfigPayload(
            deleted_server=row.server, deleted_namespace=row.k8s_namespace
        )
