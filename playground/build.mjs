// Builds the playground into the folder that is named on the command line, the same bytes each
// time: no clock, no machine, no path goes in. Run by build.sh, which brings Node.
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { licences } from "./licences.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const out = process.argv[2];
rmSync(out, { recursive: true, force: true });
mkdirSync(out, { recursive: true });

const common = {
  absWorkingDir: here,
  bundle: true,
  minify: true,
  legalComments: "none", // They are in LICENSES.txt, whole.
  metafile: true,
  outdir: out,
  target: ["chrome120", "firefox121", "safari17.5"],
  define: { "process.env.NODE_ENV": '"production"' },
};

// Monaco's modules import their styles one by one, which makes files that nothing loads:
// graphiql/style.css has all of them.
const noMonacoStyles = {
  name: "no-monaco-styles",
  setup: ({ onLoad }) =>
    onLoad({ filter: /monaco-editor.*\.css$/ }, () => ({ contents: "", loader: "js" })),
};

// A worker is loaded as a classic script, so that it needs no module support in workers. Its name
// has no hash, because the page names it at run time; it is revalidated by its ETag instead.
const workers = await build({
  ...common,
  format: "iife",
  entryPoints: {
    "editor.worker": "monaco-editor/esm/vs/editor/editor.worker.js",
    "json.worker": "monaco-editor/esm/vs/language/json/json.worker.js",
    "graphql.worker": "monaco-graphql/esm/graphql.worker.js",
  },
});

const page = await build({
  ...common,
  format: "esm",
  splitting: true,
  jsx: "automatic",
  entryPoints: { main: "src/main.jsx" },
  entryNames: "[name]-[hash]",
  chunkNames: "[name]-[hash]",
  assetNames: "[name]-[hash]",
  loader: { ".woff2": "file" },
  plugins: [noMonacoStyles],
});

const built = readdirSync(out);
const named = (pattern) => built.find((name) => pattern.test(name));
const html = readFileSync(join(here, "src/index.html"), "utf8")
  .replace("STYLE", `playground/${named(/^main-\w+\.css$/)}`)
  .replace("SCRIPT", `playground/${named(/^main-\w+\.js$/)}`);
writeFileSync(join(out, "index.html"), html);
writeFileSync(join(out, "LICENSES.txt"), licences(here, [workers.metafile, page.metafile]));

const sums = readdirSync(out)
  .sort()
  .map((name) => `${createHash("sha256").update(readFileSync(join(out, name))).digest("hex")}  ${name}\n`);
writeFileSync(join(out, "SHA256SUMS"), sums.join(""));
