"""The start page at `/`: where things are, for someone who has just started Mooring.

One page of plain HTML with nothing to load, so that it works in any browser, and in curl.
"""

from html import escape
from string import Template
from typing import Final

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from app.web.headers import PAGE_HEADERS

_PAGE: Final = Template("""\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,">
<title>Mooring</title>
<style>
  :root { color-scheme: light dark; --ink: #16202c; --dim: #56657a; --line: #d9e0e8;
    --paper: #fff; --card: #f5f7fa; --link: #0b5cad; }
  @media (prefers-color-scheme: dark) { :root { --ink: #e6ebf2; --dim: #9aa9bd; --line: #2c3848;
    --paper: #10161f; --card: #18212d; --link: #7cb8ff; } }
  * { box-sizing: border-box; }
  body { margin: 0; background: var(--paper); color: var(--ink);
    font: 16px/1.5 system-ui, sans-serif; }
  main { max-width: 44rem; margin: 0 auto; padding: 2.5rem 1.25rem 4rem; }
  h1 { margin: 0; font-size: 1.75rem; }
  h2 { margin: 2rem 0 .5rem; font-size: 1.05rem; }
  p { margin: .25rem 0 1rem; }
  a { color: var(--link); }
  .dim { color: var(--dim); }
  .go { display: inline-block; padding: .6rem 1.1rem; border-radius: .5rem; font-weight: 600;
    background: var(--link); color: var(--paper); text-decoration: none; }
  dl { margin: 0; border: 1px solid var(--line); border-radius: .5rem; background: var(--card); }
  dl > div { padding: .7rem 1rem; border-top: 1px solid var(--line); }
  dl > div:first-child { border-top: 0; }
  dt { font-weight: 600; }
  dd { margin: 0; }
  code { font: .9em ui-monospace, monospace; overflow-wrap: anywhere; }
  pre { margin: 0; padding: .8rem 1rem; overflow-x: auto; border: 1px solid var(--line);
    border-radius: .5rem; background: var(--card); }
</style>
</head>
<body>
<main>
<h1>Mooring</h1>
<p class="dim">A control plane for projects on Kubernetes. It is running.</p>
<p><a class="go" href="graphql">Open the playground</a></p>
<p>It opens with a first query that works. To make a project, sign in there:
under <code>mooring dev</code> the terminal shows a ready-made sign-in, and anyone can sign up.</p>

<h2>Where things are</h2>
<dl>
<div><dt>Playground</dt><dd><a href="graphql">$http/graphql</a>, in a browser</dd></div>
<div><dt>GraphQL: queries and mutations</dt><dd><code>POST $http/graphql</code></dd></div>
<div><dt>GraphQL: subscriptions</dt><dd><code>$ws/graphql</code><br>
<span class="dim">websocket, subprotocol <code>graphql-transport-ws</code></span></dd></div>
<div><dt>Is it alive?</dt><dd><a href="healthz">$http/healthz</a></dd></div>
<div><dt>Is it ready for requests?</dt><dd><a href="readyz">$http/readyz</a><br>
<span class="dim">503 says what is wrong</span></dd></div>
<div><dt>Documentation</dt><dd>The schema, with a description of everything: the book icon in the
playground. README.md and <code>docs/</code> in the source: how to run it and how it works.
</dd></div>
</dl>

<h2>From a terminal</h2>
<pre><code>curl $http/graphql \\
  -H 'Content-Type: application/json' \\
  -d '{"query": "{ errorCodes { code description } }"}'</code></pre>
<p class="dim">What concerns you alone needs <code>Authorization: Bearer TOKEN</code>;
<code>signIn</code> gives the token. On the websocket it goes into <code>connection_init</code>:
<code>{"authorization": "Bearer TOKEN"}</code>.</p>
</main>
</body>
</html>
""")


async def start_page(request: Request) -> Response:
    """`GET /`, with the addresses as the visitor reached us."""
    url = request.url
    ws = "wss" if url.scheme == "https" else "ws"
    page = _PAGE.substitute(
        http=escape(f"{url.scheme}://{url.netloc}"),
        ws=escape(f"{ws}://{url.netloc}"),
    )
    return HTMLResponse(page, headers={**PAGE_HEADERS, "Cache-Control": "no-cache"})


def routes() -> list[Route]:
    """`GET /`."""
    return [Route("/", start_page, methods=["GET"], name="start")]
