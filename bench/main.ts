// `npm run bench -- NAME… | all [--quick] [--rounds N]`: runs the benches one after the other, prints what they found
// and writes it into docs/performance.md. --quick writes nothing: it only shows that the benches work.
import { parseArgs } from "node:util";
import type { Bench } from "./harness.ts";
import { markdown, writeSection } from "./page.ts";

/** In the order of `all`. */
const BENCHES: Readonly<Record<string, () => Promise<{ readonly bench: Bench }>>> = {
  gateway: () => import("./gateway.ts"),
  stream: () => import("./stream.ts"),
  endpoints: () => import("./endpoints.ts"),
  profile: () => import("./profile.ts"),
  mcp: () => import("./mcp.ts"),
  recorder: () => import("./recorder.ts"),
  journal: () => import("./journal.ts"),
  admission: () => import("./admission.ts"),
  policies: () => import("./policies.ts"),
  store: () => import("./store.ts"),
  query: () => import("./query.ts"),
  export: () => import("./export.ts"),
  feed: () => import("./feed.ts"),
  dashboard: () => import("./dashboard.ts"),
  library: () => import("./library.ts"),
  evidence: () => import("./evidence.ts"),
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { quick: { type: "boolean", default: false }, rounds: { type: "string" } },
});
const names = positionals.includes("all") ? Object.keys(BENCHES) : positionals;
const unknown = names.find((name) => !Object.hasOwn(BENCHES, name));
const rounds = Number(values.rounds ?? (values.quick ? 2 : 5));

if (names.length === 0 || unknown !== undefined || !Number.isInteger(rounds) || rounds < 1) {
  process.stderr.write(`npm run bench -- ${Object.keys(BENCHES).join(" | ")} | all [--quick] [--rounds N]\n`);
  process.exitCode = 2;
} else {
  for (const name of names) {
    const say = (line: string) => process.stderr.write(`${name}: ${line}\n`);
    try {
      const { bench } = await (BENCHES[name] as (typeof BENCHES)[string])();
      const text = markdown(await bench.run({ quick: values.quick, rounds, say }), rounds);
      process.stdout.write(`\n## ${name}\n\n${text}\n`);
      if (!values.quick) writeSection(name, text);
    } catch (error) {
      // The others are still worth their time; what the page says of this one stays as it was.
      say(`failed: ${error instanceof Error ? error.message : String(error)}`);
      process.exitCode = 1;
    }
  }
}
