"""`python -m reconciler.orphans`: what `mooring orphans` runs, with the reconciler's environment.

It is a process of the reconciler's, whose role sees all rows and whose credential sees its cluster:
in its pod (`kubectl exec`) nothing has to be set. Exit codes: 0, there is nothing, or it was all
removed; 1, there is something; 2, it could not look.
"""

import argparse
import asyncio
import json
import re
import sys
from collections.abc import Sequence
from datetime import timedelta

from app.db.session import AWAY, Database
from app.logs import configure_logs
from app.secrets.keyring import KeyRing
from app.settings import Settings, SettingsError
from reconciler.cluster.client import Cluster
from reconciler.cluster.errors import ClusterError
from reconciler.cluster.trusted import operators
from reconciler.clusters import Clusters
from reconciler.namespaces import Namespaces
from reconciler.orphans import rules
from reconciler.orphans.own import Away, OwnClusters, as_json, as_text
from reconciler.orphans.removal import Removal, Removed
from reconciler.orphans.report import Report
from reconciler.orphans.survey import Survey

FOUND, BLIND = 1, 2
# Connections to Postgres.
_AT_ONCE = 4
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_GRACE = re.compile(r"(\d{1,6})([smhd])")


def arguments(given: Sequence[str]) -> argparse.Namespace:
    """What was asked for."""
    parser = argparse.ArgumentParser(
        prog="mooring orphans",
        description="List objects in the cluster that no row knows, and rows whose objects are not"
        " there. With the reconciler's settings, as in its pod.",
        epilog="Exit codes: 0 nothing is left, 1 something is, 2 it could not look.",
    )
    parser.add_argument("--delete", action="store_true", help="remove objects without a row")
    parser.add_argument(
        "--grace",
        type=_grace,
        default=timedelta(hours=1),
        metavar="TIME",
        help="leave what is younger, by the cluster's clock: 90s, 30m, 1h (default), 2d",
    )
    parser.add_argument(
        "--expect",
        type=int,
        metavar="N",
        help="remove only if it is just N; needed for more than a fifth of all that is there",
    )
    where = parser.add_mutually_exclusive_group()
    where.add_argument(
        "--own",
        action="store_true",
        help="look into the clusters that accounts bring too, each with its user's kubeconfig",
    )
    where.add_argument(
        "--account",
        metavar="LOGIN",
        help="look into the cluster that this account brings, and into no other",
    )
    parser.add_argument(
        "--installation",
        metavar="MARK",
        help="look for what another installation left, whose database is lost",
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    asked = parser.parse_args(given)
    if asked.own and asked.expect is not None:
        parser.error("--expect is of one cluster: give it with --account, or without --own")
    return asked


async def main(asked: argparse.Namespace, settings: Settings) -> int:
    """Look, remove if that was asked for, and tell; the exit code."""
    url, _ = settings.postgres()
    cluster = await operators(settings)
    database = Database(url, pool=_AT_ONCE)
    run = _Run(asked, database, settings)
    try:
        found: list[Report | Away] = []
        if asked.account is None:
            found.append(await run.operators(cluster))
        if asked.account is not None or asked.own:
            found += await run.own(cluster)
    finally:
        await database.close()
        await cluster.close()
    if not found:
        print(f"It could not look: {asked.account} brings no cluster", file=sys.stderr)
        return BLIND
    said = json.dumps(as_json(found, own=asked.own), indent=2) if asked.json else as_text(found)
    print(said, end="")
    return exit_code(found)


def exit_code(found: Sequence[Report | Away]) -> int:
    """By the first cluster alone whether it could look: the others are users' affair."""
    first = found[0]
    if isinstance(first, Away) or first.found.blind:
        return BLIND
    reports = [one for one in found if isinstance(one, Report)]
    return 0 if all(report.is_clean for report in reports) else FOUND


class _Run:
    """Looks, and removes if that was asked for."""

    def __init__(self, asked: argparse.Namespace, database: Database, settings: Settings) -> None:
        self._asked = asked
        self._database = database
        self._settings = settings

    async def operators(self, cluster: Cluster) -> Report:
        """Into the operator's cluster."""
        survey = Survey(cluster, self._database, self._settings, self._asked.installation)
        report = Report(await survey.made(), self._asked.grace)
        if self._asked.delete:
            await self._remove(report, cluster)
        return report

    async def own(self, operator: Cluster) -> Sequence[Report | Away]:
        """Into those that accounts bring, or into that of the one that was asked for."""
        keys = KeyRing(self._settings.secret_keys.get_secret_value())
        clusters = Clusters(operator, self._database, keys, self._settings)
        asked = self._asked
        those = OwnClusters(
            clusters, self._database, self._settings, asked.grace, asked.installation
        )
        return await those.looked(asked.account, self._remove if asked.delete else None)

    async def _remove(self, report: Report, cluster: Cluster, server: str | None = None) -> None:
        namespaces = Namespaces(cluster, self._database, self._settings)
        await _remove(report, self._asked, Removal(cluster, self._database, namespaces, server))


async def _remove(report: Report, asked: argparse.Namespace, removal: Removal) -> None:
    going, found = report.removable, report.found
    report.refused = (
        "not all objects could be seen"
        if found.blind
        else rules.refusal(len(going), found.managed, asked.expect)
    )
    if report.refused is not None:
        return
    # Namespaces last: what is in them goes first.
    for orphan in sorted(going, key=lambda one: one.what == rules.NAMESPACE):
        try:
            report.removed.append(await removal.remove(orphan))
        except ClusterError as error:
            report.removed.append(Removed(orphan, (), str(error)))
        except AWAY as error:  # nobody knows any more what has a row
            report.refused = f"the database is away ({error!r})"
            return


def _grace(said: str) -> timedelta:
    found = _GRACE.fullmatch(said)
    if found is None:
        raise argparse.ArgumentTypeError("give a number and s, m, h or d, such as 30m")
    return timedelta(seconds=int(found[1]) * _UNITS[found[2]])


if __name__ == "__main__":
    asked = arguments(sys.argv[1:])
    try:
        settings = Settings.load()
        configure_logs(settings.log_level, settings.log_format)
        sys.exit(asyncio.run(main(asked, settings)))
    except (SettingsError, ClusterError) as error:
        print(f"It could not look: {error}", file=sys.stderr)
        sys.exit(BLIND)
    except AWAY as error:
        print(
            "It could not look: MOORING_DATABASE_URL has to be the reconciler's, and its schema"
            f" this release's ({str(error).partition(chr(10))[0]})",
            file=sys.stderr,
        )
        sys.exit(BLIND)
