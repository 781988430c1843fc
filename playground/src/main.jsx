// The playground's page: our bar, GraphiQL below it.
import "./workers.js";
import { HISTORY_PLUGIN } from "@graphiql/plugin-history";
import { GraphiQL } from "graphiql";
import { createRoot } from "react-dom/client";
import { Bar } from "./bar.jsx";
import { Editors, NARROW } from "./editors.jsx";
import { fetcher } from "./fetcher.js";
import { LIVE } from "./live.jsx";
import { TABS } from "./tabs.js";
import "graphiql/style.css";
import "./style.css";

const PLUGINS = [LIVE, HISTORY_PLUGIN];

createRoot(document.getElementById("root")).render(
  <>
    <Bar />
    <main className="editor">
      <GraphiQL
        fetcher={fetcher}
        plugins={PLUGINS}
        defaultTabs={TABS}
        defaultEditorToolsVisibility={NARROW.matches ? false : "variables"}
        inputValueDeprecation
      >
        <GraphiQL.Logo>{null}</GraphiQL.Logo>
        <Editors />
      </GraphiQL>
    </main>
  </>,
);
