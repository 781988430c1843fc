"""What Postgres aggregates of a project's resources is what the pure functions say."""

import random

from sqlalchemy import text

from app.db import projects
from app.db.projects import LockedProject
from app.db.session import Database
from app.domain import aggregate, states
from app.domain.aggregate import Member, ProjectStatus
from app.domain.ids import new_id
from app.domain.states import DesiredState, Inputs, Phase
from app.domain.viewer import API
from tests.integration.world import viewer_of

CASES = 400

INSERT = text("""
INSERT INTO resource (id, account_id, project_id, kind, name, desired_state, generation,
  desired_generation, project_generation, phase, was_ready, observed_generation, failed_generation)
VALUES (:id, :account_id, :project_id, 'SANDBOX', :name, :desired_state, :generation,
  :desired_generation, :project_generation, :phase, :was_ready, :observed_generation,
  :failed_generation)
""")


def some_inputs(chance: random.Random) -> Inputs:
    """Each status is about as likely as another."""
    generation = chance.randint(1, 3)
    return Inputs(
        desired_state=chance.choice(list(DesiredState)),
        phase=chance.choice([*Phase, Phase.RUNNING, Phase.STOPPED, Phase.GONE]),
        was_ready=chance.random() < 0.5,
        generation=generation,
        desired_generation=chance.randint(1, generation),
        observed_generation=chance.choice([generation, chance.randint(0, generation)]),
        failed_generation=chance.choice([None, None, None, generation]),
    )


async def test_status_desired_state_generation_and_convergence_agree(database: Database) -> None:
    viewer = await viewer_of(database)
    chance = random.Random(20261125)
    expected = {}
    async with database.begin(viewer) as session:
        for _ in range(CASES):
            own = chance.choice(list(DesiredState))
            members = [some_inputs(chance) for _ in range(chance.choice([0, 1, 1, 2, 2, 3]))]
            if own == DesiredState.DELETED and not members:
                continue  # its row goes
            project = LockedProject(
                new_id(), viewer.home, "x", ProjectStatus.PARTIAL, own, generation=9
            )
            await projects.insert(session, project, description=None, github_repo=None)
            await session.execute(
                text("UPDATE project SET generation = 9 WHERE id = :id"), {"id": project.id}
            )
            seen = []
            for place, inputs in enumerate(members):
                intent = chance.randint(1, 9)
                seen.append(
                    Member(
                        inputs.desired_state,
                        inputs.generation,
                        inputs.observed_generation,
                        intent,
                    )
                )
                values = {name: getattr(inputs, name) for name in Inputs.__slots__}
                values |= {"id": new_id(), "account_id": viewer.home, "project_id": project.id}
                values |= {"name": str(place), "project_generation": intent}
                values["desired_state"] = inputs.desired_state.value
                values["phase"] = inputs.phase.value
                await session.execute(INSERT, values)
            expected[project.id] = (
                aggregate.status(own, [states.status(inputs) for inputs in members]),
                aggregate.desired_state(own, seen),
                aggregate.observed_generation(9, seen),
                all(states.converged(inputs) for inputs in members),
            )
            await projects.settle(session, [project])

    async with database.read(API) as connection:
        rows = await projects.by_ids(connection, viewer, list(expected))

    assert {
        row.id: (row.status, row.desired_state, row.observed_generation, row.converged)
        for row in rows
    } == expected
    assert {status for status, *_ in expected.values()} >= set(ProjectStatus) - {
        ProjectStatus.TERMINATED
    }
