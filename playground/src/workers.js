// Monaco does its language work in three workers. Each is a file of its own beside this one (an
// iife, built first), because a strict policy allows no blob: and no inline worker.
const FILES = { json: "json.worker.js", graphql: "graphql.worker.js" };

globalThis.MonacoEnvironment = {
  getWorker(_id, label) {
    const file = FILES[label] ?? "editor.worker.js";
    return new Worker(new URL(`./${file}`, import.meta.url), { name: label });
  },
};
