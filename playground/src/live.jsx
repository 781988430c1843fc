// The Live panel: the visitor's projects as they are now, and what happened, while he works in the
// editor. GraphiQL runs one operation at a time, so a subscription in a tab ends with the next run.
import { useEffect, useState } from "react";
import { listen } from "./fetcher.js";
import { useSession } from "./session.js";

const QUERY = `subscription Live {
  projectsChanged {
    kind projectId deletedId
    project { id name status sandboxes { ...Part } databases { ...Part } }
    change { id at action subjectType subjectName fromStatus toStatus reason }
  }
}
fragment Part on Resource { id name status why { reason message } }`;
const KEPT = 200;
const NOTHING = { projects: new Map(), changes: [], synced: false, wrong: null };

// What is on screen after one more event: the state of now, so applying one twice does no harm.
function after(seen, event) {
  const resync = event.kind === "RESYNC";
  const projects = resync ? new Map() : new Map(seen.projects);
  if (event.kind === "DELETED") projects.delete(event.projectId);
  else if (event.project) projects.set(event.project.id, event.project);
  return {
    projects,
    changes: event.change ? [event.change, ...seen.changes].slice(0, KEPT) : seen.changes,
    synced: seen.synced ? !resync : event.kind === "SYNCED",
    wrong: null,
  };
}

function useLive(login) {
  const [seen, setSeen] = useState(NOTHING);

  useEffect(() => {
    setSeen(NOTHING);
    if (!login) return undefined;
    const events = listen({ query: QUERY });
    let over = false;
    (async () => {
      try {
        for await (const { data, errors } of events) {
          if (over) return;
          if (data?.projectsChanged) setSeen((now) => after(now, data.projectsChanged));
          else throw errors;
        }
        if (!over) throw new Error("The stream has ended. Close this panel and open it again.");
      } catch (error) {
        const wrong = [error].flat()[0]?.message ?? String(error);
        if (!over) setSeen((now) => ({ ...now, wrong }));
      }
    })();
    return () => {
      over = true;
      events.return();
    };
  }, [login]);

  return seen;
}

function Project({ project }) {
  const [copied, setCopied] = useState(false);
  const copy = async () => {
    await navigator.clipboard.writeText(project.id);
    setCopied(true);
  };
  return (
    <li>
      <div className="line">
        <b>{project.name}</b>
        <span className={`status ${project.status}`}>{project.status}</span>
      </div>
      <div className="line">
        <code title={project.id}>{project.id}</code>
        <button type="button" className="plain" onClick={copy}>
          {copied ? "Copied" : "Copy id"}
        </button>
      </div>
      {[...project.sandboxes, ...project.databases].map((part) => (
        <div key={part.id} className="line part">
          <span>{part.name}</span>
          <span className={`status ${part.status}`}>{part.status}</span>
          {part.why && (
            <small>
              {part.why.reason}: {part.why.message}
            </small>
          )}
        </div>
      ))}
    </li>
  );
}

function Change({ change }) {
  const moved = change.toStatus && change.toStatus !== change.fromStatus;
  return (
    <li>
      <time dateTime={change.at}>{new Date(change.at).toLocaleTimeString()}</time>{" "}
      <b>{change.subjectName}</b> {change.action}
      {moved && ` ${change.fromStatus ?? "new"} → ${change.toStatus}`}
      {change.reason && ` (${change.reason})`}
    </li>
  );
}

function Live() {
  const { login } = useSession();
  const { projects, changes, synced, wrong } = useLive(login);

  return (
    <section className="live" aria-label="Live">
      <h2>Live</h2>
      {!login && <p>Sign in at the top right, and your projects show here as they change.</p>}
      {login && !synced && !wrong && <p>Connecting.</p>}
      {wrong && (
        <p className="wrong" role="alert">
          {wrong}
        </p>
      )}
      {synced && projects.size === 0 && <p>No projects yet. Run the CreateProject tab.</p>}
      <ul className="projects">
        {[...projects.values()].reverse().map((project) => (
          <Project key={project.id} project={project} />
        ))}
      </ul>
      {changes.length > 0 && <h3>What happened, newest first</h3>}
      <ol className="changes">
        {changes.map((change) => (
          <Change key={change.id} change={change} />
        ))}
      </ol>
    </section>
  );
}

function Pulse() {
  return (
    <svg viewBox="0 0 24 24" fill="none" stroke="currentColor" strokeWidth="1.8" aria-hidden="true">
      <path d="M2 12h5l3-8 4 16 3-8h5" strokeLinejoin="round" strokeLinecap="round" />
    </svg>
  );
}

export const LIVE = { title: "Live", icon: Pulse, content: Live };
