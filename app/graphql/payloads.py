"""What mutations give: a payload for each, so that it can grow by itself."""

from __future__ import annotations

import strawberry

from app.domain.errors import InputErrorCode
from app.graphql.nodes import Database, Project, Sandbox
from app.graphql.sessions import Credentials
from app.graphql.settings import Kubeconfig


@strawberry.type(description="One thing that is wrong with an input.")
class InputError:
    """One thing that is wrong with an input."""

    code: InputErrorCode = strawberry.field(description="Which rule was broken.")
    field: list[str] = strawberry.field(
        description=(
            "The way to the field from the input down, list positions from 0: "
            '["sandboxes", "0", "name"]; empty for the input as a whole.'
        )
    )
    message: str = strawberry.field(
        description=("In plain words, with the limit: fit to show beside the field.")
    )


@strawberry.type(description="What deleteAccount gives.")
class DeleteAccountPayload:
    """What deleteAccount gives."""

    deleted_login: str = strawberry.field(
        description="The login; taken until the last project is gone."
    )
    projects: int = strawberry.field(description="How many projects are being deleted.")


@strawberry.type(description="What signUp gives.")
class SignUpPayload:
    """What signUp gives."""

    credentials: Credentials | None = strawberry.field(description="Null when there are errors.")
    errors: list[InputError] = strawberry.field(
        description="What is wrong with the input; empty on success."
    )


@strawberry.type(description="What signIn gives.")
class SignInPayload:
    """What signIn gives."""

    credentials: Credentials = strawberry.field(description="The sign-in.")


@strawberry.type(description="What createProject gives.")
class CreateProjectPayload:
    """What createProject gives."""

    project: Project | None = strawberry.field(
        description="The project; null when there are errors."
    )
    errors: list[InputError] = strawberry.field(
        description="What is wrong with the input; empty on success."
    )


@strawberry.type(description="What updateProject gives.")
class UpdateProjectPayload:
    """What updateProject gives."""

    project: Project | None = strawberry.field(
        description="The project; null when there are errors."
    )
    errors: list[InputError] = strawberry.field(
        description="What is wrong with the input; empty on success."
    )


@strawberry.type(description="What startProject gives.")
class StartProjectPayload:
    """What startProject gives."""

    project: Project = strawberry.field(description="The project, already with its new status.")


@strawberry.type(description="What stopProject gives.")
class StopProjectPayload:
    """What stopProject gives."""

    project: Project = strawberry.field(description="The project, already with its new status.")


@strawberry.type(description="What deleteProject gives.")
class DeleteProjectPayload:
    """What deleteProject gives."""

    project: Project = strawberry.field(
        description="The project; it stays to be seen until all of it is gone."
    )


@strawberry.type(description="What retryProject gives.")
class RetryProjectPayload:
    """What retryProject gives."""

    project: Project = strawberry.field(description="The project.")


@strawberry.type(description="What createSandbox gives.")
class CreateSandboxPayload:
    """What createSandbox gives."""

    sandbox: Sandbox | None = strawberry.field(
        description="The sandbox; null when there are errors."
    )
    errors: list[InputError] = strawberry.field(
        description="What is wrong with the input; empty on success."
    )


@strawberry.type(description="What updateSandbox gives.")
class UpdateSandboxPayload:
    """What updateSandbox gives."""

    sandbox: Sandbox | None = strawberry.field(
        description="The sandbox, already with its new status; null when there are errors."
    )
    errors: list[InputError] = strawberry.field(
        description="What is wrong with the input; empty on success."
    )


@strawberry.type(description="What exposePort gives.")
class ExposePortPayload:
    """What exposePort gives."""

    sandbox: Sandbox | None = strawberry.field(
        description="The sandbox with the port; null when there are errors."
    )
    errors: list[InputError] = strawberry.field(
        description="What is wrong with the input; empty on success."
    )


@strawberry.type(description="What unexposePort gives.")
class UnexposePortPayload:
    """What unexposePort gives."""

    sandbox: Sandbox | None = strawberry.field(
        description="The sandbox without the port; null when there are errors."
    )
    errors: list[InputError] = strawberry.field(
        description="What is wrong with the input; empty on success."
    )


@strawberry.type(description="What startSandbox gives.")
class StartSandboxPayload:
    """What startSandbox gives."""

    sandbox: Sandbox = strawberry.field(description="The sandbox, already with its new status.")


@strawberry.type(description="What stopSandbox gives.")
class StopSandboxPayload:
    """What stopSandbox gives."""

    sandbox: Sandbox = strawberry.field(description="The sandbox, already with its new status.")


@strawberry.type(description="What deleteSandbox gives.")
class DeleteSandboxPayload:
    """What deleteSandbox gives."""

    sandbox: Sandbox = strawberry.field(
        description="The sandbox; it stays to be seen until all of it is gone."
    )


@strawberry.type(description="What retrySandbox gives.")
class RetrySandboxPayload:
    """What retrySandbox gives."""

    sandbox: Sandbox = strawberry.field(description="The sandbox.")


@strawberry.type(description="What createDatabase gives.")
class CreateDatabasePayload:
    """What createDatabase gives."""

    database: Database | None = strawberry.field(
        description="The database; null when there are errors."
    )
    errors: list[InputError] = strawberry.field(
        description="What is wrong with the input; empty on success."
    )


@strawberry.type(description="What updateDatabase gives.")
class UpdateDatabasePayload:
    """What updateDatabase gives."""

    database: Database | None = strawberry.field(
        description="The database, already with its new status; null when there are errors."
    )
    errors: list[InputError] = strawberry.field(
        description="What is wrong with the input; empty on success."
    )


@strawberry.type(description="What releaseDatabase gives.")
class ReleaseDatabasePayload:
    """What releaseDatabase gives."""

    database: Database = strawberry.field(
        description="The database; it stays to be seen until all of it is gone."
    )


@strawberry.type(description="What startDatabase gives.")
class StartDatabasePayload:
    """What startDatabase gives."""

    database: Database = strawberry.field(description="The database, already with its new status.")


@strawberry.type(description="What stopDatabase gives.")
class StopDatabasePayload:
    """What stopDatabase gives."""

    database: Database = strawberry.field(description="The database, already with its new status.")


@strawberry.type(description="What deleteDatabase gives.")
class DeleteDatabasePayload:
    """What deleteDatabase gives."""

    database: Database = strawberry.field(
        description="The database; it stays to be seen until all of it is gone."
    )


@strawberry.type(description="What retryDatabase gives.")
class RetryDatabasePayload:
    """What retryDatabase gives."""

    database: Database = strawberry.field(description="The database.")


@strawberry.type(description="What setKubeconfig gives.")
class SetKubeconfigPayload:
    """What setKubeconfig gives."""

    kubeconfig: Kubeconfig | None = strawberry.field(
        description="It, about to be looked at; null when there are errors."
    )
    errors: list[InputError] = strawberry.field(
        description="What is wrong with the input; empty on success."
    )


@strawberry.type(description="What checkKubeconfig gives.")
class CheckKubeconfigPayload:
    """What checkKubeconfig gives."""

    kubeconfig: Kubeconfig = strawberry.field(description="It, about to be looked at.")


@strawberry.type(description="What deleteKubeconfig gives.")
class DeleteKubeconfigPayload:
    """What deleteKubeconfig gives."""

    deleted_server: str = strawberry.field(description="The API server that it named.")
    deleted_namespace: str = strawberry.field(description="The namespace that it named.")
