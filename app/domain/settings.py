"""What a user configures for himself: categories of settings, and the state of a kubeconfig."""

from enum import StrEnum


class Category(StrEnum):
    """What a setting is about."""

    ANTHROPIC_API = "anthropic-api"
    KC = "kc"
    GITHUB = "github"
    GENERAL = "general"


class CredentialState(StrEnum):
    """What the reconciler found out about a kubeconfig."""

    CHECKING = "CHECKING"
    READY = "READY"
    REFUSED = "REFUSED"
