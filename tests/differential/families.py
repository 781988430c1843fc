"""The recorded list: all families, and which of them a server can answer."""

from tests.differential.request import Family
from tests.differential.requests import (
    admitting,
    applying,
    asking,
    cascading,
    clustering,
    clustering_old,
    creating,
    decoding,
    deleting,
    explaining,
    forbidding,
    listing,
    missing,
    namespacing,
    naming,
    patching,
    routing,
    running,
    serving,
    speaking,
    watching,
)
from tests.differential.server import Server

FAMILIES: tuple[Family, ...] = (
    creating.FAMILY,
    applying.FAMILY,
    patching.FAMILY,
    deleting.FAMILY,
    listing.FAMILY,
    watching.FAMILY,
    missing.FAMILY,
    admitting.FAMILY,
    namespacing.FAMILY,
    asking.FAMILY,
    naming.FAMILY,
    decoding.FAMILY,
    serving.FAMILY,
    cascading.FAMILY,
    running.FAMILY,
    explaining.FAMILY,
    routing.FAMILY,
    clustering.FAMILY,
    clustering_old.FAMILY,
    forbidding.FAMILY,
    speaking.FAMILY,
)


async def fits(family: Family, server: Server) -> bool:
    """Whether the server has the API that the family is about, in that dialect."""
    if family.served and not await server.serves(family.served):
        return False
    return not (family.unserved and await server.serves(family.unserved))
