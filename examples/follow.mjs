// Follow all your projects over SSE, through lost connections: in Node 20 or a browser, with no
// packages.
//
//   TOKEN=... node follow.mjs http://127.0.0.1:8000/graphql
//
// TOKEN is an API token, for programs that run for long; an access token ends in a quarter of an
// hour.
//
// A stream begins with a SNAPSHOT of each project, then tells every change: once, in order. Each
// event's id is its cursor; a lost connection goes on from the last one.

const FOLLOW = `subscription {
  projectsChanged {
    kind projectId
    project { id name status updatedAt }
    change { action subjectName toStatus reason }
  }
}`;

// Worth another try; whatever else is refused stays so until somebody mends it.
const RETRYABLE = new Set(["INTERNAL", "RATE_LIMITED", "UNAVAILABLE"]);

class Refused extends Error {
  constructor(errors) {
    super(errors.map((error) => error.message).join("; "));
    this.code = errors[0].extensions.code;
  }
}

// The events of one connection as { id, event, data }: https://html.spec.whatwg.org/#parsing-an-event-stream
async function* sse(body) {
  let rest = "";
  for await (const text of body.pipeThrough(new TextDecoderStream())) {
    const blocks = (rest + text).split("\n\n");
    rest = blocks.pop();
    for (const block of blocks) {
      const found = {};
      for (const line of block.split("\n")) {
        const [, field, value] = line.match(/^(\w+): ?(.*)$/) ?? []; // a comment has no field
        if (field) found[field] = field in found ? `${found[field]}\n${value}` : value;
      }
      if (found.event) yield found;
    }
  }
}

// One connection, from the cursor on; yields { cursor, ...event }.
async function* connect(url, token, cursor) {
  const answer = await fetch(url, {
    method: "POST",
    headers: {
      Accept: "text/event-stream",
      Authorization: `Bearer ${token}`,
      "Content-Type": "application/json",
      ...(cursor ? { "Last-Event-ID": cursor } : {}),
    },
    body: JSON.stringify({ query: FOLLOW }),
  });
  if (!answer.headers.get("Content-Type")?.startsWith("text/event-stream")) {
    const { errors } = await answer.json(); // no JSON: a proxy answered; that is worth another try
    throw new Refused(errors);
  }
  for await (const { id, event, data } of sse(answer.body)) {
    if (event === "complete") return;
    const result = JSON.parse(data);
    if (result.errors) throw new Refused(result.errors);
    yield { cursor: id, ...result.data.projectsChanged };
  }
}

// What is known after one more event. An event has the state of now: twice does no harm.
function apply(projects, { kind, projectId, project }) {
  if (kind === "RESYNC") projects.clear(); // all that there is follows as SNAPSHOTs
  else if (kind === "DELETED") projects.delete(projectId);
  else if (project && !(projects.get(project.id)?.updatedAt > project.updatedAt)) {
    projects.set(project.id, project);
  }
}

function show(projects, { kind, change }) {
  if (change) {
    const { subjectName, action, toStatus, reason } = change;
    console.log([subjectName, action, toStatus, reason].filter(Boolean).join(" "));
  }
  if (["SYNCED", "CHANGED", "DELETED"].includes(kind)) {
    const states = [...projects.values()].map(({ name, status }) => `${name} is ${status}`);
    console.log("  now:", states.join(", ") || "no projects");
  }
}

async function follow(url, token) {
  const projects = new Map();
  let cursor;
  let failures = 0;
  for (;;) {
    const before = cursor;
    if (!cursor) projects.clear();
    try {
      for await (const event of connect(url, token, cursor)) {
        apply(projects, event);
        cursor = event.cursor;
        show(projects, event);
      }
    } catch (error) {
      if (error.code === "INVALID_CURSOR") cursor = undefined;
      else if (error instanceof Refused && !RETRYABLE.has(error.code)) throw error;
      else console.error(`lost: ${error.message}`);
    }
    // Doubled while nothing comes, and random, so that not all clients return at once.
    failures = cursor === before ? failures + 1 : 0;
    const wait = Math.random() * Math.min(30, 2 ** failures);
    await new Promise((resolve) => setTimeout(resolve, 1000 * wait));
  }
}

follow(process.argv[2], process.env.TOKEN).catch((error) => {
  console.error(`${error.code}: ${error.message}`);
  process.exit(1);
});
