"""What changes and shows settings: inputs and payloads, beside the type that they are about."""

from __future__ import annotations

import strawberry

from app.domain.anthropic import Apply
from app.domain.settings import Category
from app.graphql.hiding import hiding
from app.graphql.payloads import InputError
from app.graphql.settings import Setting


@hiding("value")
@strawberry.input(description="One setting.")
class SetSettingInput:
    """One setting."""

    key: str = strawberry.field(
        description=(
            "1 to 128 characters of A-Z, a-z, 0-9, _, . and -, beginning with a letter or _; not"
            " KUBECONFIG and ANTHROPIC_*, which have mutations of their own."
        )
    )
    value: str = strawberry.field(description="At most 32 KiB of UTF-8, without NUL.")
    category: Category | None = strawberry.field(
        default=strawberry.UNSET,
        description=("GITHUB or GENERAL; left out or null: as it is, or GENERAL for a new one."),
    )
    is_secret: bool | None = strawberry.field(
        default=strawberry.UNSET,
        description="Left out or null: as it is, or true for a new one.",
    )


@hiding("api_key")
@strawberry.input(
    description="How sandboxes reach Anthropic's API; what is left out stays, null clears."
)
class SetAnthropicSettingsInput:
    """How sandboxes reach Anthropic's API."""

    base_url: str | None = strawberry.field(
        default=strawberry.UNSET,
        description=(
            "An https address, at most 2,048 characters, without user, password, query and"
            " fragment; null: Anthropic's own."
        ),
    )
    api_key: str | None = strawberry.field(
        default=strawberry.UNSET,
        description=(
            "The key, at most 4,096 visible characters; sent as X-Api-Key to Anthropic, as a bearer"
            " token to another base URL."
        ),
    )
    model: str | None = strawberry.field(
        default=strawberry.UNSET, description="The model, at most 200 visible characters."
    )
    small_model: str | None = strawberry.field(
        default=strawberry.UNSET,
        description="The model for small tasks, at most 200 visible characters.",
    )
    apply: Apply | None = strawberry.field(
        default=strawberry.UNSET,
        description="When sandboxes get them; left out or null: NEXT_START.",
    )


@strawberry.type(description="What setSetting gives.")
class SetSettingPayload:
    """What setSetting gives."""

    setting: Setting | None = strawberry.field(
        description="The setting; null when there are errors."
    )
    errors: list[InputError] = strawberry.field(
        description="What is wrong with the input; empty on success."
    )


@strawberry.type(description="What deleteSetting gives.")
class DeleteSettingPayload:
    """What deleteSetting gives."""

    setting: Setting = strawberry.field(description="The setting, as it was.")


@strawberry.type(description="What setAnthropicSettings gives.")
class SetAnthropicSettingsPayload:
    """What setAnthropicSettings gives."""

    settings: list[Setting] | None = strawberry.field(
        description="All that are set now, at most 4, by key; null when there are errors."
    )
    sandboxes: int | None = strawberry.field(
        description=(
            "How many sandboxes get them now, those that are down without being started; null when"
            " there are errors."
        )
    )
    errors: list[InputError] = strawberry.field(
        description="What is wrong with the input; empty on success."
    )


@hiding("value")
@strawberry.type(description="What revealSetting gives.")
class RevealSettingPayload:
    """What revealSetting gives."""

    setting: Setting = strawberry.field(description="The setting, masked as everywhere.")
    value: str = strawberry.field(description="What it holds.")
