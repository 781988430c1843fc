"""How long a websocket lives on after its session was ended: commit, NOTIFY, watcher, close."""

from time import perf_counter

from bench.client import PASSWORD, User
from bench.figures import Figures
from bench.scale import Scale

_SIGN_IN = """mutation ($i: SignInInput!) { signIn(input: $i) { credentials { accessToken } } }"""
_SIGN_OUT = "mutation { signOut { signedOut } }"
_FORBIDDEN = 4403


async def measure(user: User, scale: Scale, figures: Figures) -> None:
    """From sending signOut to the close frame, one session after the other."""
    took = [await _ended(user) for _ in range(scale.crowd_events)]
    figures.add_times("sign-out to closed websocket", took)


async def _ended(user: User) -> float:
    answer = await user.ask(_SIGN_IN, i={"login": user.login, "password": PASSWORD})
    bearer = {"authorization": f"Bearer {answer['signIn']['credentials']['accessToken']}"}
    url = f"{user.url}/graphql"
    async with user.http.ws_connect(url, protocols=["graphql-transport-ws"]) as socket:
        await socket.send_json({"type": "connection_init", "payload": bearer})
        await socket.receive_json()
        at = perf_counter()
        async with user.http.post(url, json={"query": _SIGN_OUT}, headers=bearer):
            await socket.receive()
            took = perf_counter() - at
        if socket.close_code != _FORBIDDEN:
            raise RuntimeError(socket.close_code)
    return took
