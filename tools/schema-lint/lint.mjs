// schema.graphql against graphql-eslint's recommended and relay rules, and against the contract
// where MOORING_TEST_CONTRACT names one: whatever the contract has must be there, word for word,
// and more may be. Prints each finding; exits 1 when there is one.
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import graphql from "@graphql-eslint/eslint-plugin";
import { CriticalityLevel, diff } from "@graphql-inspector/core";
import { ESLint } from "eslint";
import { buildASTSchema, Kind, parse, visit } from "graphql";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const SCHEMA = `${ROOT}schema.graphql`;

const { configs, parser } = graphql;

// Where the schema does otherwise than a rule says, and why.
const EXCEPTIONS = {
  // Values, not things: they have no life of their own by which one could ask for them again.
  "@graphql-eslint/strict-id-in-types": [
    "error",
    {
      exceptions: {
        suffixes: ["Payload", "Connection", "Edge"],
        types: [
          "Actor",
          "Credentials",
          "DatabaseCredentials",
          "DatabaseEndpoint",
          "ErrorCodeInfo",
          "Explanation",
          "ExposedPort",
          "InputError",
          "Kubeconfig",
          "PageInfo",
          "ProjectEvent",
          "SignInMethod",
          "TerminalCredentials",
        ],
      },
    },
  ],
  // A plain list is a small set with its limit in the description (at most 20 sandboxes), and the
  // nodes of a connection, which save clients a level; pages are for what grows without bound.
  "@graphql-eslint/relay-edge-types": ["error", { listTypeCanWrapOnlyEdgeType: false }],
};

async function lint() {
  const eslint = new ESLint({
    cwd: ROOT,
    overrideConfigFile: true,
    overrideConfig: {
      files: ["**/*.graphql"],
      plugins: { "@graphql-eslint": graphql },
      languageOptions: { parser, parserOptions: { graphQLConfig: { schema: SCHEMA } } },
      rules: {
        ...configs["flat/schema-recommended"].rules,
        ...configs["flat/schema-relay"].rules,
        ...EXCEPTIONS,
      },
    },
  });
  const results = await eslint.lintFiles([SCHEMA]);
  const messages = results.flatMap((result) => result.messages);
  return messages.map(({ line, ruleId, message }) => `schema.graphql:${line} ${ruleId}: ${message}`);
}

// How the lines of a description are broken says nothing.
async function read(file) {
  const document = parse(await readFile(file, "utf8"));
  const unbroken = (node) => ({ ...node, value: node.value.replace(/\s+/g, " ").trim() });
  return buildASTSchema(visit(document, { [Kind.STRING]: unbroken }));
}

// An addition that old clients would trip over (a required argument) is no mere addition. What is
// said of a value that the contract lacks is told as a change of that value, and is one.
function isAddition({ type, criticality, path = "" }, promised) {
  const [name, value] = path.split(".");
  const isNewValue = type.startsWith("ENUM_VALUE_") && !promised.getType(name)?.getValue(value);
  return (type.endsWith("_ADDED") || isNewValue) && criticality.level !== CriticalityLevel.Breaking;
}

async function compare(contract) {
  const promised = await read(contract);
  const changes = await diff(promised, await read(SCHEMA));
  return changes
    .filter((change) => !isAddition(change, promised))
    .map((change) => `contract: ${change.message}`);
}

const contract = process.env.MOORING_TEST_CONTRACT;
const findings = [...(await lint()), ...(contract ? await compare(contract) : [])];
for (const finding of findings) console.error(finding);
const against = contract ? "rules and contract" : "rules";
console.log(`schema.graphql against ${against}: ${findings.length} findings`);
process.exitCode = findings.length ? 1 : 0;
