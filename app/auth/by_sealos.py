"""Signing in from Sealos: its token says who, and the kubeconfig beside it where.

Everything is checked before anything is written, and all of it is one transaction: there is nobody
who came in without the cluster that he came for. Outside it the kubeconfig is only read; the
reconciler asks the cluster, as after setKubeconfig.
"""

import asyncio
from dataclasses import replace

from app.auth.entrance import Entrance
from app.auth.kubeconfigs import parse_kubeconfig
from app.auth.sealos import SEALOS, Vouched
from app.auth.sessions import Credentials, Sessions
from app.db import accounts, wall
from app.db.identities import IdentityRow
from app.db.session import Database, Session
from app.db.sessions import SignIn
from app.domain.addresses import AddressRules
from app.domain.errors import BadVoucher, InputErrorCode, InputProblem, InvalidInput
from app.domain.kubeconfig import Kubeconfig
from app.domain.viewer import API, Viewer
from app.secrets.keyring import KeyRing
from app.services import identities, kubeconfigs


class BySealos:
    """The way in, and the way to link it."""

    def __init__(
        self, database: Database, entrance: Entrance, keys: KeyRing, rules: AddressRules
    ) -> None:
        self._sealos = entrance.sealos
        self._throttle = entrance.throttle
        self._entrance = entrance
        self._database = database
        self._keys = keys
        self._rules = rules

    async def sign_in(
        self, sessions: Sessions, sign_in: SignIn, token: str, kubeconfig: str
    ) -> Credentials:
        """A session; BadVoucher, RateLimited, InvalidInput naming the field of the kubeconfig."""
        async with self._throttle.signing_in(self._database, sign_in.address):
            return await self._sign_in(sessions, sign_in, token, kubeconfig)

    async def _sign_in(
        self, sessions: Sessions, sign_in: SignIn, token: str, kubeconfig: str
    ) -> Credentials:
        try:
            vouched = self._sealos.read(token)
        except BadVoucher:
            await self._refuse("BAD_TOKEN", sign_in)
            raise
        brought = await self._brought(kubeconfig, vouched)
        new_users = await self._entrance.admits(self._database, vouched.proof, sign_in.address)

        async def enter(session: Session) -> Credentials | None:
            user = await identities.arrive(
                session,
                self._keys,
                vouched.proof,
                sign_in.address,
                new_users=new_users,
                prefix=self._entrance.namespace_prefix,
            )
            if user is None:
                return None
            opened = await sessions.open(session, user, sign_in)
            viewer = await accounts.viewer(session, user.id, opened.session_id)
            await self._keep(session, viewer, brought, sign_in.address)
            return opened

        opened = await self._database.transact(API, enter)
        if opened is None:
            await self._refuse("UNKNOWN", sign_in)
            raise BadVoucher
        return opened

    async def link(self, viewer: Viewer, token: str, kubeconfig: str) -> IdentityRow:
        """Another way for the viewer to sign in, with its kubeconfig."""
        vouched = self._sealos.read(token)
        brought = await self._brought(kubeconfig, vouched)

        async def link(session: Session) -> IdentityRow:
            row = await identities.link(
                session, self._keys, viewer.actor, vouched.proof, at=("token",)
            )
            await kubeconfigs.put(session, viewer, self._keys, brought)
            return row

        return await self._database.transact(viewer, link)

    async def _brought(self, text: str, vouched: Vouched) -> Kubeconfig:
        at = ("kubeconfig",)
        read = await asyncio.to_thread(parse_kubeconfig, text, at, self._rules)
        # A workspace of Sealos is a namespace, and workspaceId is its name.
        if read.namespace != vouched.workspace:
            rule = "contexts[].context.namespace: it is not that of the token's workspace."
            raise InvalidInput([InputProblem(InputErrorCode.NOT_ALLOWED, at, rule)])
        return read

    async def _keep(
        self, session: Session, viewer: Viewer, brought: Kubeconfig, address: str | None
    ) -> None:
        # The transaction began as nobody's; what follows is on the rows of who has come in.
        await wall.tell_transaction(session, viewer)
        before = len(session.entries)
        await kubeconfigs.put(session, viewer, self._keys, brought)
        actor = replace(viewer.actor, address=address)
        session.entries[before:] = [
            replace(entry, actor=actor) for entry in session.entries[before:]
        ]

    async def _refuse(self, reason: str, sign_in: SignIn) -> None:
        async def note(session: Session) -> None:
            identities.refuse_arrival(session, SEALOS, reason, sign_in.address)

        await self._database.transact(API, note)
