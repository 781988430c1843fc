"""Results as server-sent events: graphql-sse in its distinct connections mode.

https://github.com/enisdenjo/graphql-sse/blob/master/PROTOCOL.md: each result is a `next`, a
`complete` ends them, and an operation that is refused is a `next` with its errors all the same. The
`id` of an event is the cursor of its stream, which a client that reconnects gives back in
Last-Event-ID (https://html.spec.whatwg.org/multipage/server-sent-events.html).
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing, nullcontext
from typing import Any

from starlette.responses import StreamingResponse

from app.domain.errors import Unauthenticated
from app.domain.viewer import Viewer
from app.graphql import answers
from app.graphql.context import Context, State
from app.graphql.errors import refused
from app.graphql.media import Media

_COMPLETE = b"event: complete\ndata:\n\n"
_ALIVE = b":\n\n"
_HEADERS = {
    "Cache-Control": "no-store, no-transform",
    # nginx would hold events back until a buffer is full.
    "X-Accel-Buffering": "no",
}


def response(
    results: AsyncGenerator[Any, None], context: Context | None, state: State
) -> StreamingResponse:
    """The answer; comments in quiet times keep proxies from ending it. A client that goes away
    closes `results` at once; a process that stops ends it without `complete`: come again."""
    viewer = context.signed_in if context else None
    events = _steadied(_events(results, context), state, viewer)
    return StreamingResponse(events, headers=_HEADERS, media_type=Media.EVENTS.value)


async def _events(
    results: AsyncGenerator[Any, None], context: Context | None
) -> AsyncGenerator[bytes, None]:
    async with aclosing(results):
        async for result in results:
            cursor = context.cursor if context else None
            line = f"id: {cursor}\n" if cursor else ""
            yield f"event: next\n{line}data: ".encode() + answers.encoded(result) + b"\n\n"
    yield _COMPLETE


async def _steadied(
    events: AsyncGenerator[bytes, None], state: State, viewer: Viewer | None
) -> AsyncGenerator[bytes, None]:
    leaving = asyncio.create_task(state.leaving.wait())
    coming = asyncio.ensure_future(anext(events, None))
    try:
        with state.grants.held(viewer) if viewer else nullcontext(leaving) as ended:
            while True:
                # Not wait_for: it would cancel the stream, which only waits.
                done, _ = await asyncio.wait(
                    {coming, leaving, ended},
                    timeout=state.settings.stream_keepalive,
                    return_when=asyncio.FIRST_COMPLETED,
                )
                if leaving in done:
                    return
                if ended in done:
                    refusal = refused(Unauthenticated(reason=ended.result()))
                    yield b"event: next\ndata: " + answers.encoded(refusal) + b"\n\n"
                    yield _COMPLETE
                    return
                if not done:
                    yield _ALIVE
                    continue
                event = coming.result()
                if event is None:
                    return
                yield event
                coming = asyncio.ensure_future(anext(events, None))
    finally:
        leaving.cancel()
        if coming.done():
            await events.aclose()
        else:
            # Which closes the stream. Nobody waits for it: when the client has gone, Starlette
            # cancels whoever waits anew, until he has ended.
            coming.cancel()
