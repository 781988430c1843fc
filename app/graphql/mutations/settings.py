"""Mutations of what a user configures."""

from __future__ import annotations

import strawberry

from app.domain import anthropic
from app.domain.anthropic import Apply
from app.domain.environment import Given
from app.domain.errors import InvalidInput
from app.domain.ids import NodeType
from app.domain.viewer import TokenScope
from app.graphql.mutations.edge import as_data, given, key_of
from app.graphql.nodes import Info
from app.graphql.setting_changes import (
    DeleteSettingPayload,
    RevealSettingPayload,
    SetAnthropicSettingsInput,
    SetAnthropicSettingsPayload,
    SetSettingInput,
    SetSettingPayload,
)
from app.graphql.settings import setting
from app.services import anthropic as anthropic_settings
from app.services import reveals, settings


@strawberry.type
class SettingMutations:
    """Everything that can be done to settings."""

    @strawberry.mutation(
        description="Set one of the viewer's settings. The same again changes nothing."
    )
    async def set_setting(self, info: Info, input: SetSettingInput) -> SetSettingPayload | None:
        """Set one."""
        viewer, state = info.context.viewer(TokenScope.ACCOUNT), info.context.state
        keys, category = state.makers.keys, given(input.category)
        asked = Given(input.key, input.value, None, given(input.is_secret))
        try:
            row = await state.database.transact(
                viewer, lambda session: settings.put(session, viewer, keys, asked, category)
            )
        except InvalidInput as wrong:
            return SetSettingPayload(setting=None, errors=as_data(info, wrong))
        return SetSettingPayload(setting=setting(row, keys), errors=[])

    @strawberry.mutation(
        description=(
            "Remove one of the viewer's settings. One of Anthropic's goes as setAnthropicSettings"
            " clears it at the next start; KUBECONFIG goes by deleteKubeconfig."
        )
    )
    async def delete_setting(self, info: Info, id: strawberry.ID) -> DeleteSettingPayload | None:
        """Remove one."""
        viewer, state = info.context.viewer(TokenScope.ACCOUNT), info.context.state
        key, keys = key_of(id, NodeType.SETTING), state.makers.keys
        row = await state.database.transact(
            viewer, lambda session: anthropic_settings.delete(session, viewer, keys, key)
        )
        return DeleteSettingPayload(setting=setting(row, keys))

    @strawberry.mutation(
        description=(
            "Set how the viewer's sandboxes reach Anthropic's API, as the variables that Claude"
            " Code reads. A sandbox that runs keeps what it has until it is started again, or gets"
            " them now, by `apply`; a variable of its project wins over them."
        )
    )
    async def set_anthropic_settings(
        self, info: Info, input: SetAnthropicSettingsInput
    ) -> SetAnthropicSettingsPayload | None:
        """Set them."""
        viewer, state = info.context.viewer(TokenScope.ACCOUNT), info.context.state
        keys, asked = state.makers.keys, _asked(input)
        try:
            rows, reached = await state.database.transact(
                viewer,
                lambda session: anthropic_settings.put(
                    session,
                    viewer,
                    keys,
                    asked,
                    apply=given(input.apply) or Apply.NEXT_START,
                    http=state.settings.anthropic_http,
                ),
            )
        except InvalidInput as wrong:
            return SetAnthropicSettingsPayload(
                settings=None, sandboxes=None, errors=as_data(info, wrong)
            )
        return SetAnthropicSettingsPayload(
            settings=[setting(row, keys) for row in rows], sandboxes=reached, errors=[]
        )

    @strawberry.mutation(
        description="Show the value of one setting; recorded in the audit before it is given."
    )
    async def reveal_setting(self, info: Info, id: strawberry.ID) -> RevealSettingPayload | None:
        """Show one."""
        viewer, state = info.context.viewer(TokenScope.SECRETS_READ), info.context.state
        key, keys = key_of(id, NodeType.SETTING), state.makers.keys
        row, value = await state.database.transact(
            viewer, lambda session: reveals.setting(session, viewer, keys, key)
        )
        return RevealSettingPayload(setting=setting(row, keys), value=value)


def _asked(input: SetAnthropicSettingsInput) -> dict[str, str | None]:
    """What is given, null to clear; what was left out is not there."""
    fields = {
        anthropic.BASE_URL: input.base_url,
        anthropic.API_KEY: input.api_key,
        anthropic.MODEL: input.model,
        anthropic.SMALL_MODEL: input.small_model,
    }
    return {key: value for key, value in fields.items() if value is not strawberry.UNSET}
