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
from app.settings import Settings, SettingsError
from reconciler.cluster.errors import ClusterError
from reconciler.cluster.trusted import operators
from reconciler.namespaces import Namespaces
from reconciler.orphans import rules
from reconciler.orphans.removal import Removal, Removed
from reconciler.orphans.report import Report
from reconciler.orphans.survey import Survey

FOUND, BLIND = 1, 2
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
    parser.add_argument(
        "--installation",
        metavar="MARK",
        help="look for what another installation left, whose database is lost",
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    return parser.parse_args(given)


async def main(asked: argparse.Namespace, settings: Settings) -> int:
    """Look, remove if that was asked for, and tell; the exit code."""
    url, _ = settings.postgres()
    cluster = await operators(settings)
    database = Database(url, pool=2)
    try:
        survey = Survey(cluster, database, settings, asked.installation)
        report = Report(await survey.made(), asked.grace)
        if asked.delete:
            await _remove(
                report, asked, Removal(cluster, database, Namespaces(cluster, database, settings))
            )
    finally:
        await database.close()
        await cluster.close()
    print(json.dumps(report.json(), indent=2) if asked.json else report.text(), end="")
    if report.found.blind:
        return BLIND
    return 0 if report.is_clean else FOUND


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
