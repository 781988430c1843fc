"""Why a resource is not as wanted: the one table of reasons (docs/reference/reasons.md).

The reconciler emits no other; a newer version may know more, so a stored reason is read as text.
A member is the word that users see and carries what it means, what to do about it, whose turn that
is, and whether it is permanent: repeating what was refused changes nothing until somebody changes
something, so the resource is in ERROR at once. The other reasons are shown while Mooring goes on
trying, and turn to ERROR at the deadline of the phase (design section 3.6). All heal by themselves
once the cause goes.
"""

from enum import StrEnum


class Fails(StrEnum):
    """When a reason turns the status to ERROR."""

    AT_ONCE = "at once"
    AT_DEADLINE = "deadline"
    NEVER = "never"


class Turn(StrEnum):
    """Who can do something about a reason; MOORING: nobody has to, it goes on by itself."""

    USER = "USER"
    OPERATOR = "OPERATOR"
    MOORING = "MOORING"


class Reason(StrEnum):
    """`Reason("QuotaExceeded").means`, `.remedy`, `.turn` and `.fails`."""

    means: str
    remedy: str
    turn: Turn
    fails: Fails

    @property
    def permanent(self) -> bool:
        """Repeating what was refused changes nothing until somebody changes something."""
        return self.fails is Fails.AT_ONCE

    def __new__(
        cls,
        word: str,
        means: str = "",
        remedy: str = "",
        turn: Turn = Turn.MOORING,
        fails: Fails = Fails.AT_DEADLINE,
    ) -> "Reason":
        """One row of the table."""
        member = str.__new__(cls, word)
        member._value_ = word
        member.means, member.remedy = means, remedy
        member.turn, member.fails = turn, fails
        return member

    # What a namespace, its policies or the cluster's rules refuse.
    INVALID_SPEC = (
        "InvalidSpec",
        "The cluster finds what is asked for invalid, or may not change it any more.",
        "Read the message for the field; edit the resource, or make a new one.",
        Turn.USER,
        Fails.AT_ONCE,
    )
    QUOTA_EXCEEDED = (
        "QuotaExceeded",
        "The namespace's ResourceQuota has no room for it.",
        "Stop or delete something, or ask for less; or the operator raises the quota.",
        Turn.USER,
        Fails.AT_ONCE,
    )
    POD_SECURITY_VIOLATION = (
        "PodSecurityViolation",
        "The namespace's Pod Security level refuses its pods.",
        "The operator lowers the level of the namespace; databases need `baseline`.",
        Turn.OPERATOR,
        Fails.AT_ONCE,
    )
    ADMISSION_DENIED = (
        "AdmissionDenied",
        "A rule of the cluster refuses it: a LimitRange, an admission policy or webhook.",
        "Read the message: it names the rule. Ask for what it allows, or the operator changes it."
        " On a hosted cluster it may be an unpaid bill.",
        Turn.USER,
        Fails.AT_ONCE,
    )
    CREATE_FAILED = (
        "CreateFailed",
        "The cluster cannot make its pod or another object, for a cause of its own: a webhook"
        " that does not answer, a ServiceAccount that is not there.",
        "The operator mends what the message names; Mooring goes on trying.",
        Turn.OPERATOR,
    )
    NAME_CLASH = (
        "NameClash",
        "An object of its name belongs to somebody else; Mooring leaves it alone.",
        "Remove or rename that object, then retry; or delete this resource and make a new one.",
        Turn.USER,
        Fails.AT_ONCE,
    )
    NEWER_GENERATION = (
        "NewerGeneration",
        "Its objects were written for a later generation than the database knows, as after a"
        " restore of the database.",
        "The operator runs `mooring restored`; then they are made what is wanted here.",
        Turn.OPERATOR,
    )

    # The way to the cluster.
    CLUSTER_UNAVAILABLE = (
        "ClusterUnavailable",
        "The cluster's API server cannot be reached, or answers with an error of its own.",
        "The operator sees that the API server answers. It is tried again for ever.",
        Turn.OPERATOR,
    )
    CLUSTER_THROTTLED = (
        "ClusterThrottled",
        "The cluster's API server is busy and asks to wait.",
        "Nothing: it is tried again when the API server said. If it lasts, the operator sees who"
        " asks so much of it.",
        Turn.MOORING,
    )
    CLUSTER_ANSWER_INVALID = (
        "ClusterAnswerInvalid",
        "What answers in the cluster's place does not answer as a Kubernetes API server does: it"
        " gives a web page, a redirect, something endless or malformed.",
        "See that the kubeconfig's `server` is the API server itself, and no proxy, login page or"
        " dashboard before it. It is tried again for ever.",
        Turn.OPERATOR,
    )
    CERTIFICATE_INVALID = (
        "CertificateInvalid",
        "The API server's certificate does not prove it: expired, for another name, or of an"
        " authority that the kubeconfig does not have.",
        "Renew the API server's certificate; or set a kubeconfig with its name as `server` and"
        " its authority as `certificate-authority-data`.",
        Turn.OPERATOR,
        Fails.AT_ONCE,
    )
    ADDRESS_REFUSED = (
        "AddressRefused",
        "The kubeconfig's server has an address that Mooring does not connect to.",
        "Give a kubeconfig whose server is public; or the operator allows its network.",
        Turn.USER,
        Fails.AT_ONCE,
    )
    CREDENTIAL_REJECTED = (
        "CredentialRejected",
        "The cluster does not accept Mooring's credential: expired, revoked or wrong.",
        "In a cluster of your own: set a new kubeconfig, which is tried at once. Else the"
        " operator renews Mooring's credential.",
        Turn.OPERATOR,
        Fails.AT_ONCE,
    )
    CREDENTIAL_MISMATCH = (
        "CredentialMismatch",
        "It was made in a cluster or namespace that the account's kubeconfig no longer names.",
        "Set a kubeconfig for the server and namespace in the message again: then it goes on, or"
        " can be deleted. Mooring forgets nothing that it cannot see to be gone.",
        Turn.USER,
        Fails.AT_ONCE,
    )
    PERMISSION_MISSING = (
        "PermissionMissing",
        "The credential may not do what is needed; the message names verb and kind.",
        "The operator binds a Role with that permission to the credential; then retry.",
        Turn.OPERATOR,
        Fails.AT_ONCE,
    )
    NAMESPACE_MISSING = (
        "NamespaceMissing",
        "The namespace of the resource does not exist.",
        "The operator creates it, or corrects the namespace in the settings or kubeconfig.",
        Turn.OPERATOR,
        Fails.AT_ONCE,
    )
    NAMESPACE_TERMINATING = (
        "NamespaceTerminating",
        "The namespace is being deleted, so nothing new is made in it.",
        "Whoever deleted it waits for its end and creates it again; one that Mooring makes for an"
        " account comes back by itself.",
        Turn.OPERATOR,
    )
    KIND_NOT_SERVED = (
        "KindNotServed",
        "The cluster does not know a kind of object that is needed.",
        "The operator installs what serves it (Gateway API, KubeBlocks), or chooses another mode.",
        Turn.OPERATOR,
        Fails.AT_ONCE,
    )
    OBJECT_MISSING = (
        "ObjectMissing",
        "An object disappeared while it was written.",
        "Nothing: it is tried again. If it lasts, find who removes it.",
        Turn.MOORING,
    )
    CONFLICT = (
        "Conflict",
        "Somebody else changes the same object at the same time.",
        "Nothing: it is tried again. If it lasts, find who else writes it.",
        Turn.MOORING,
    )

    # Starting.
    UNSCHEDULABLE = (
        "Unschedulable",
        "No node has room for its pod, or none that it may run on.",
        "Ask for less CPU or memory; or the operator adds nodes.",
        Turn.USER,
    )
    VOLUME_PENDING = (
        "VolumePending",
        "Its volume is not provided yet.",
        "The operator looks at the storage class and its provisioner.",
        Turn.OPERATOR,
    )
    VOLUME_GROWING = (
        "VolumeGrowing",
        "It runs, and its volume is not as large as it is wanted yet.",
        "Nothing: wait. If the message says that it waits for a pod, stop and start the sandbox;"
        " else the operator looks at the storage.",
        Turn.MOORING,
    )
    VOLUME_NOT_GROWING = (
        "VolumeNotGrowing",
        "The cluster refuses to enlarge its volume: its storage class has no"
        " allowVolumeExpansion, or the volume was not made by a provisioner.",
        "The operator sets allowVolumeExpansion on the storage class; or ask for the old size.",
        Turn.OPERATOR,
        Fails.AT_ONCE,
    )
    VOLUME_MOUNT_FAILED = (
        "VolumeMountFailed",
        "Its volume cannot be attached to the node or mounted there.",
        "Often another node still holds it: wait. Else the operator looks at the storage.",
        Turn.OPERATOR,
    )
    SANDBOX_CREATE_FAILED = (
        "SandboxCreateFailed",
        "The node cannot set up the pod's network or sandbox.",
        "The operator looks at the node and its network plugin.",
        Turn.OPERATOR,
    )
    IMAGE_PULL_FAILED = (
        "ImagePullFailed",
        "The node cannot pull the image: unknown, private, malformed, or the registry is away.",
        "Correct the image's name; or have its registry serve it without a sign-in.",
        Turn.USER,
    )
    CONTAINER_CONFIG_ERROR = (
        "ContainerConfigError",
        "The node cannot make the container: a Secret is missing, or its command cannot be run.",
        "Read the message; if the image lacks the command, choose another image.",
        Turn.USER,
    )
    CRASH_LOOP = (
        "CrashLoop",
        "Its container ends again and again; the message has the exit code.",
        "Read the container's log; correct the image or the environment.",
        Turn.USER,
    )
    OOM_KILLED = (
        "OOMKilled",
        "Its container used more memory than its limit and was killed.",
        "Give it more memory.",
        Turn.USER,
    )
    EVICTED = (
        "Evicted",
        "The node put its pod out, for want of disk or memory or to be drained.",
        "Nothing: another pod is made. If it repeats, ask for less, or the operator adds nodes.",
        Turn.MOORING,
    )
    FLAPPING = (
        "Flapping",
        "It comes up and goes down again and again; the message says how often in which time.",
        "Read the message for what takes it down. It counts as running once it stays up for a"
        " while, the longer the more often it went down.",
        Turn.USER,
    )
    STARTING_TOO_LONG = (
        "StartingTooLong",
        "It is not ready within the time for starting, and no other cause is seen.",
        "See what the message says is awaited. A sandbox is ready when its terminal listens on"
        " port 7681: choose an image that starts it.",
        Turn.USER,
    )

    # Stopping and going.
    STOPPING_TOO_LONG = (
        "StoppingTooLong",
        "It has not stopped within its time; what is left is named with its finalizers.",
        "The operator looks at the pod and its node.",
        Turn.OPERATOR,
    )
    DELETE_BLOCKED = (
        "DeleteBlocked",
        "Something of it stays after its deletion; it is named with its finalizers.",
        "Whoever owns the finalizer has to finish. If nobody does any more: `releaseDatabase`, or"
        " the operator takes it off.",
        Turn.OPERATOR,
    )
    WAITING_FOR_SANDBOXES = (
        "WaitingForSandboxes",
        "It waits for the sandboxes of its project to stop first.",
        "Nothing: it goes on by itself; see the sandbox that is named.",
        Turn.MOORING,
        Fails.NEVER,
    )

    # Databases.
    DATABASE_FAILED = (
        "DatabaseFailed",
        "The database operator reports the database as failed or abnormal.",
        "Read the message; the operator of the cluster looks at the Cluster object and its pods.",
        Turn.OPERATOR,
    )
    OPERATOR_NOT_RUNNING = (
        "OperatorNotRunning",
        "Nobody has looked at the new database: the database operator does not run.",
        "The operator of the cluster looks at KubeBlocks.",
        Turn.OPERATOR,
    )
    OPERATOR_MISSING = (
        "OperatorMissing",
        "The cluster has no database operator: KubeBlocks is not installed.",
        "The operator of the cluster installs KubeBlocks; or delete the database.",
        Turn.OPERATOR,
        Fails.AT_ONCE,
    )
    CREDENTIALS_MISSING = (
        "CredentialsMissing",
        "The database runs, but its Secret or Service with the credentials is not there.",
        "Wait a moment; if it lasts, the operator of the cluster looks at KubeBlocks.",
        Turn.OPERATOR,
    )
    WAITING_FOR_DATABASE = (
        "WaitingForDatabase",
        "It waits for the credentials of the project's database, so as to start with them.",
        "Nothing: it starts without them when the wait is over.",
        Turn.MOORING,
        Fails.NEVER,
    )
    STARTED_WITHOUT_DATABASE = (
        "StartedWithoutDatabase",
        "It was started without DATABASE_URL, because the database took too long.",
        "Nothing: it restarts with DATABASE_URL once the database is there.",
        Turn.MOORING,
        Fails.NEVER,
    )

    # What others did to it.
    DRIFT_HEALED = (
        "DriftHealed",
        "Somebody removed or changed an object of it in the cluster, and it was made as it is to"
        " be again. A line of history, never the reason of a status.",
        "Nothing; if it repeats, find who does it.",
        Turn.MOORING,
        Fails.NEVER,
    )

    DATA_LOST = (
        "DataLost",
        "It runs, and on another volume than before: that was removed, with what was on it.",
        "Restore a copy of what is missed. It is said until it is started or changed again.",
        Turn.USER,
        Fails.NEVER,
    )
    STOPPED_ELSEWHERE = (
        "StoppedElsewhere",
        "Somebody else has stopped the database in the cluster, as Sealos does where a bill is"
        " unpaid; Mooring does not fight it.",
        "Find out who and why (an unpaid bill?); then start or retry it.",
        Turn.USER,
        Fails.AT_ONCE,
    )

    # Mooring itself.
    PASS_TIMEOUT = (
        "PassTimeout",
        "One look at it did not end in its time, mostly because the cluster answers slowly.",
        "Nothing: it is tried again.",
        Turn.MOORING,
    )
    WORKER_CRASHED = (
        "WorkerCrashed",
        "Whoever of Mooring looks at it dies of it, or hangs: several in a row did.",
        "The operator looks at the log and the end of the worker in the message. It is tried"
        " again rarely, and on a retry or change once the time in the message is over.",
        Turn.OPERATOR,
        Fails.AT_ONCE,
    )
    INTERNAL = (
        "Internal",
        "Mooring has a fault; its log has the details.",
        "Nothing: it is tried again. If it lasts, the operator reports it with the log.",
        Turn.MOORING,
    )


_BY_WORD = {reason.value: reason for reason in Reason}


def known(word: str) -> Reason | None:
    """The reason that a stored word is; None of one that a newer version has written."""
    return _BY_WORD.get(word)


# Waits for another resource of the same project: who waits is asked when that one moves, and is
# never the root cause.
WAITING = frozenset({Reason.WAITING_FOR_DATABASE, Reason.WAITING_FOR_SANDBOXES})
