// How operations reach Mooring: queries and mutations by POST, subscriptions by websocket
// (graphql-transport-ws), both to the address of this page, both with the visitor's cookies, or with
// a token where there are none.
import { parse } from "graphql";
import { createClient } from "graphql-ws";
import { OWN_PAGE, session } from "./session.js";

const HTTP = new URL("graphql", document.baseURI);
const WS = new URL(HTTP);
WS.protocol = HTTP.protocol.replace("http", "ws");

// Events kept on screen by one subscription.
const KEPT = 100;

// An Authorization header in the Headers editor wins over the sign-in.
function authorization(headers = {}) {
  const own = Object.entries(headers).find(([name]) => name.toLowerCase() === "authorization");
  if (own) return { own: true, value: own[1] };
  const { token } = session.get();
  return { own: false, value: token ? `Bearer ${token}` : null };
}

async function look(result, own) {
  const refused = result.errors?.some((error) => error.extensions?.code === "UNAUTHENTICATED");
  if (refused && own) {
    session.tell("The token under “Headers” was refused. Take it out there to use your sign-in.");
  } else if (refused) {
    session.refused();
  } else {
    session.tell(null);
  }
  // Whoever runs signIn or signUp as an operation is signed in by it.
  for (const payload of Object.values(result.data ?? {})) {
    if (payload?.credentials?.accessToken) await session.enter(payload.credentials);
  }
  return result;
}

export async function post(body, headers) {
  await session.ready;
  const { own, value } = authorization(headers);
  let answer;
  try {
    answer = await fetch(HTTP, {
      method: "POST",
      headers: {
        "Content-Type": "application/json",
        Accept: "application/json",
        ...OWN_PAGE,
        ...headers,
        ...(value && !own ? { Authorization: value } : {}),
      },
      body: JSON.stringify(body),
    });
  } catch {
    throw new Error(`Mooring does not answer at ${HTTP}. See that it is running, then run it again.`);
  }
  const text = await answer.text();
  try {
    return await look(JSON.parse(text), own);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new Error(`Mooring answered ${answer.status} and no JSON: ${text.slice(0, 300)}`);
  }
}

// Tokens in memory are renewed like any operation; what is open goes on.
session.renewsBy((token) =>
  post({
    query: `mutation Renew($input: RefreshSessionInput!) {
      refreshSession(input: $input) { credentials { accessToken refreshToken expiresAt user { login } } }
    }`,
    variables: { input: { refreshToken: token } },
  }),
);

// One subscription on a socket of its own, so that it carries the sign-in of now. Not an async
// generator: its return() would wait for the next event before it stops.
export function listen(body, headers) {
  const { own, value } = authorization(headers);
  const client = createClient({
    url: async () => {
      await session.ready;
      return WS.href;
    },
    lazy: false,
    connectionParams: value ? { authorization: value } : {},
    on: { connected: (_, __, again) => again && session.tell(null) },
    retryAttempts: 10,
    shouldRetry: () => {
      session.tell("The connection is lost. Trying again; the stream then starts anew.");
      return true;
    },
  });
  const inner = client.iterate(body);
  let over = false;
  return {
    async next() {
      try {
        const { done, value: result } = await inner.next();
        return done ? { done } : { done, value: await look(result, own) };
      } catch (error) {
        // Of a stream that was left: it may be the refusal of a sign-in that is no longer this one.
        if (over) return { done: true };
        throw await reason(error, own);
      }
    },
    async return() {
      over = true;
      // First the subscription: one that is still connecting would ask on a socket being closed.
      await inner.return();
      // A connection that is refused by now, as after a sign-out, has nobody left to tell of it.
      await client.dispose().catch(() => {});
      return { done: true };
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}

async function reason(error, own) {
  if (Array.isArray(error)) return (await look({ errors: error }, own)).errors;
  if (error?.code === 4401 || error?.code === 4403) session.refused();
  if (typeof error?.code === "number") {
    const why = error.reason || "the socket was closed";
    return new Error(`The subscription ended: ${why} (${error.code}). Press ▶ to start it again.`);
  }
  return error;
}

// GraphiQL shows one answer per operation and each event would wipe the last one; so the answer of
// a subscription is the list of its events, newest first.
function listing(events) {
  const seen = [];
  let count = 0;
  return {
    ...events,
    async next() {
      const { done, value } = await events.next();
      if (done) return { done };
      count += 1;
      seen.unshift({ event: count, received: new Date().toISOString(), ...value });
      seen.length = Math.min(seen.length, KEPT);
      return { done, value: { newestFirst: [...seen] } };
    },
  };
}

// Which operation is meant. GraphiQL says it by name, but its idea of the document is a moment
// late: of a document with one operation that one is meant, whatever the name.
function chosen({ query, operationName }) {
  try {
    const all = parse(query).definitions.filter((it) => it.kind === "OperationDefinition");
    return all.find((it) => it.name?.value === operationName) ?? (all.length === 1 ? all[0] : null);
  } catch {
    return null; // The server says best what is wrong with it.
  }
}

export function fetcher(body, { headers } = {}) {
  const operation = chosen(body);
  const sent = { ...body, operationName: operation?.name?.value ?? body.operationName };
  return operation?.operation === "subscription"
    ? listing(listen(sent, headers))
    : post(sent, headers);
}
