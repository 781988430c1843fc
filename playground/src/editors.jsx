// What GraphiQL's editors lack here: long lines wrap (a comment must be readable on a phone), a
// narrow window has no line numbers, and the colours follow the system's while the page is open.
import { useGraphiQL, useGraphiQLActions, useMonaco } from "@graphiql/react";
import { useEffect } from "react";

export const NARROW = matchMedia("(max-width: 700px)");
const DARK = matchMedia("(prefers-color-scheme: dark)");

function fit(editor) {
  const numbered = NARROW.matches
    ? { lineNumbers: "off", folding: false, lineDecorationsWidth: 0 }
    : { lineNumbers: "on", folding: true, lineDecorationsWidth: 10 };
  editor.updateOptions({ wordWrap: "on", wrappingIndent: "same", ...numbered });
}

export function Editors() {
  const monaco = useMonaco((state) => state.monaco);
  const theme = useGraphiQL((state) => state.theme);
  const { setTheme } = useGraphiQLActions();

  useEffect(() => {
    if (!monaco) return undefined;
    const fitAll = () => monaco.editor.getEditors().forEach(fit);
    // An editor is still being set up when it is announced.
    const made = monaco.editor.onDidCreateEditor((editor) => queueMicrotask(() => fit(editor)));
    NARROW.addEventListener("change", fitAll);
    fitAll();
    return () => {
      made.dispose();
      NARROW.removeEventListener("change", fitAll);
    };
  }, [monaco]);

  useEffect(() => {
    if (!monaco || theme) return undefined;
    const follow = () => setTheme(null);
    DARK.addEventListener("change", follow);
    follow();
    return () => DARK.removeEventListener("change", follow);
  }, [monaco, theme, setTheme]);

  return null;
}
