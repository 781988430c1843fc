"""Statements on a resource together with what only its kind has: one set of SQL for both kinds.

`Details` spells them once from the kind's two dataclasses; `sandboxes` and `databases` are the
modules to import. Lifecycle and lease are `resources`' and `record`'s.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import Generic, TypeVar
from uuid import UUID

from sqlalchemy import TextClause, text

from app.db.resources import NEXT_ATTEMPT, ResourceRow
from app.db.rows import Executor, columns, read
from app.db.session import Session
from app.db.visibility import visible, visible_to
from app.domain.states import ResourceKind, converged_sql
from app.domain.viewer import Scope

Row = TypeVar("Row", bound=ResourceRow)
Spec = TypeVar("Spec")

_OWN = ("k8s_namespace", "k8s_name", "cpu", "memory", "storage")


@dataclass(frozen=True)
class Details(Generic[Row, Spec]):
    """One kind: its table, what users see of it, and what the reconciler makes it from."""

    kind: ResourceKind
    row: type[Row]
    specification: type[Spec]
    # Fields that are no columns: expressions over the details `d`.
    computed: Mapping[str, str] = field(default_factory=dict)

    @property
    def table(self) -> str:
        """The table of its details."""
        return self.kind.lower()

    async def by_ids(self, executor: Executor, viewer: Scope, ids: Collection[UUID]) -> list[Row]:
        """Those of `ids` that exist and that `viewer` may see, in any order."""
        binds = {"ids": list(ids), **visible_to(viewer)}
        return read(self.row, await executor.execute(self._by_ids, binds))

    async def of_projects(
        self, executor: Executor, viewer: Scope, ids: Collection[UUID]
    ) -> list[Row]:
        """All of these projects that `viewer` may see, in order of creation."""
        binds = {"ids": list(ids), **visible_to(viewer)}
        return read(self.row, await executor.execute(self._of_projects, binds))

    async def project_of(self, executor: Executor, viewer: Scope, key: UUID) -> UUID | None:
        """The project of one that `viewer` may see: it is locked first."""
        binds = {"id": key, **visible_to(viewer)}
        found: UUID | None = (await executor.execute(self._project_of, binds)).scalar_one_or_none()
        return found

    async def spec(self, executor: Executor, key: UUID) -> Spec | None:
        """What to make it from; None when its row is gone. For the reconciler: no viewer."""
        found = await executor.execute(self._spec, {"id": key})
        return next(iter(read(self.specification, found)), None)

    async def update(self, session: Session, key: UUID, changed: Mapping[str, object]) -> None:
        """Change these columns of a locked one; whatever the API's role may not change is refused
        by Postgres."""
        known = set(self._spec_fields)
        assert changed and changed.keys() <= known, changed
        listed = ", ".join(f"{name} = :{name}" for name in changed)
        await session.execute(
            text(f"UPDATE {self.table} SET {listed} WHERE id = :id"), {"id": key, **changed}
        )

    async def insert(self, session: Session, made: Spec) -> None:
        """The details of a new one, whose resource is there."""
        binds = {name: getattr(made, name) for name in self._spec_fields}
        await session.execute(self._insert, binds)

    @property
    def _spec_fields(self) -> list[str]:
        names = [field.name for field in fields(self.specification)]  # type: ignore[arg-type]
        return [name for name in names if name not in self.computed]

    @cached_property
    def _select(self) -> str:
        shared = {field.name for field in fields(ResourceRow)} - set(_OWN)
        own = {f.name: f"d.{f.name}" for f in fields(self.row) if f.name not in shared}
        own |= self.computed
        own |= {"converged": converged_sql("r"), "next_attempt_at": NEXT_ATTEMPT}
        listed = columns(self.row, "r", **own)
        return f"SELECT {listed} FROM resource r JOIN {self.table} d ON d.id = r.id"

    @cached_property
    def _by_ids(self) -> TextClause:
        return text(f"{self._select} WHERE r.id = ANY(CAST(:ids AS uuid[])) AND {visible('r')}")

    @cached_property
    def _of_projects(self) -> TextClause:
        return text(
            f"{self._select} WHERE r.project_id = ANY(CAST(:ids AS uuid[])) AND {visible('r')}"
            " ORDER BY r.id"
        )

    @cached_property
    def _project_of(self) -> TextClause:
        return text(
            f"SELECT r.project_id FROM resource r WHERE r.id = :id AND r.kind = '{self.kind}'"
            f" AND {visible('r')}"
        )

    @cached_property
    def _spec(self) -> TextClause:
        listed = columns(self.specification, "d", **self.computed)
        return text(f"SELECT {listed} FROM {self.table} d WHERE d.id = :id")

    @cached_property
    def _insert(self) -> TextClause:
        names = self._spec_fields
        return text(
            f"INSERT INTO {self.table} ({', '.join(names)})"
            f" VALUES ({', '.join(f':{name}' for name in names)})"
        )
