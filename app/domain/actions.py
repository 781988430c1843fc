"""What the audit and the history can say was done: every action, and which mutation asks for it.

Published (docs/reference/actions.md), so that programs may rely on the names: one is never changed,
and never means something else. A test finds an action that is written and not here.
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Action:
    """`noun.verb`, what it means, and the mutations that ask for it: their refusals are lines of
    this action too. `seen`: it only happens, and is in the history alone."""

    name: str
    means: str
    mutations: tuple[str, ...] = ()
    seen: bool = False


ACTIONS: Final = (
    Action("user.sign-up", "Somebody signed up.", ("signUp",)),
    Action(
        "account.delete",
        "It was to be deleted with all projects, and nobody signs in to it any more.",
        ("deleteAccount",),
    ),
    Action(
        "account.forget",
        "What it had in its user's own cluster was to be forgotten, by `mooring forget`.",
    ),
    Action(
        "orphan.remove",
        "What was in the cluster and in no row was to be removed, by `mooring orphans --delete`;"
        " `detail` names its namespace and objects.",
    ),
    Action("sign-in.done", "Somebody signed in.", ("signIn", "signInWithSealos")),
    Action("sign-in.refused", "A sign-in failed; nothing is kept of a login that nobody has."),
    Action("session.open", "A session began, by whichever way somebody signed in."),
    Action(
        "session.reuse",
        "A refresh token came that was used before: its session was ended.",
        ("refreshSession",),
    ),
    Action("session.end", "A session was ended.", ("signOut", "revokeSession")),
    Action("session.end-all", "All sessions, or all others, were ended.", ("signOutEverywhere",)),
    Action("token.create", "An API token was made.", ("createApiToken",)),
    Action("token.delete", "An API token was taken away.", ("deleteApiToken",)),
    Action("kubeconfig.set", "A kubeconfig was set.", ("setKubeconfig",)),
    Action("kubeconfig.check", "It was to be looked at again.", ("checkKubeconfig",)),
    Action("kubeconfig.delete", "It was taken away.", ("deleteKubeconfig",)),
    Action("password.change", "The password changed.", ("changePassword",)),
    Action("identity.link", "A way to sign in was added.", ("setPassword", "linkSealos")),
    Action("identity.unlink", "A way to sign in was taken away.", ("unlinkIdentity",)),
    Action("identity.set-primary", "Another way became the primary.", ("setPrimaryIdentity",)),
    Action("project.create", "A project was made.", ("createProject",)),
    Action("project.update", "Its name, description or repository changed.", ("updateProject",)),
    Action("project.start", "RUNNING was wanted of all its resources.", ("startProject",)),
    Action("project.stop", "STOPPED was wanted of all its resources.", ("stopProject",)),
    Action("project.delete", "It was to be deleted with all that is in it.", ("deleteProject",)),
    Action(
        "project.retry",
        "All in it that failed, was given up or waits was to be looked at again at once.",
        ("retryProject",),
    ),
    Action(
        "project.environment",
        "Its variables changed; the message of the history names them.",
        ("setVariable", "replaceVariables", "importVariables", "deleteVariable"),
    ),
    Action("variable.reveal", "The value of a variable was shown.", ("revealVariable",)),
    Action(
        "variable.export",
        "Variables of a project were shown; `detail.secrets` names those that are secret.",
        ("exportVariables",),
    ),
    Action(
        "database.reveal",
        "How to connect to a database was shown.",
        ("revealDatabaseCredentials",),
    ),
    Action(
        "sandbox.reveal",
        "What the terminal of a sandbox asks for was shown.",
        ("revealTerminalCredentials",),
    ),
    Action(
        "database.update",
        "Its version, replicas or sizes were to change; the message of the history says to what.",
        ("updateDatabase",),
    ),
    Action(
        "database.release",
        "What holds it after its deletion was to be taken off; the message says what that was.",
        ("releaseDatabase",),
    ),
    Action(
        "sandbox.update",
        "Its image or sizes were to change; the message of the history says to what.",
        ("updateSandbox",),
    ),
    Action("sandbox.expose", "A port of it was to be reached.", ("exposePort",)),
    Action("sandbox.unexpose", "A port of it was no more to be reached.", ("unexposePort",)),
    Action("sandbox.environment", "It is to have the changed variables of its project."),
    Action("setting.set", "A setting was set.", ("setSetting", "setAnthropicSettings")),
    Action("setting.delete", "A setting was removed.", ("deleteSetting",)),
    Action("setting.reveal", "The value of a setting was shown.", ("revealSetting",)),
    Action("project.settings", "Its owner's settings reach its sandboxes."),
    Action("sandbox.settings", "It is to have the changed settings of its owner."),
    Action("project.status", "Its status changed.", seen=True),
    Action("project.gone", "It is gone.", seen=True),
    *(
        action
        for kind in ("Sandbox", "Database")
        for noun in (kind.lower(),)
        for action in (
            Action(f"{noun}.create", f"A {noun} was made.", (f"create{kind}",)),
            Action(f"{noun}.start", "RUNNING was wanted of it.", (f"start{kind}",)),
            Action(f"{noun}.stop", "STOPPED was wanted of it.", (f"stop{kind}",)),
            Action(f"{noun}.delete", "It was to be deleted.", (f"delete{kind}",)),
            Action(f"{noun}.retry", "It was to be looked at again at once.", (f"retry{kind}",)),
            Action(f"{noun}.status", "Its status changed.", seen=True),
            Action(
                f"{noun}.observed", "Something else that is to be seen of it changed.", seen=True
            ),
            Action(
                f"{noun}.healed",
                "What somebody else removed or changed of it was made as it is to be again; the"
                " message names the objects.",
                seen=True,
            ),
            Action(f"{noun}.gone", "It is gone.", seen=True),
        )
    ),
)
NAMES: Final = frozenset(action.name for action in ACTIONS)
OF_MUTATION: Final = {name: action.name for action in ACTIONS for name in action.mutations}
