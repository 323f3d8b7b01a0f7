// What the library costs a service: the same small service on each framework, with its middleware and without, in a
// process of its own. Latency is asked for on one connection, throughput on many.
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { type Bench, type Case, interleave, type Measured, number, type Results } from "./harness.ts";
import { askAll, loadVersions } from "./load/load.ts";
import { placeServer, started, stopped } from "./load/programs.ts";
import { benchFolder } from "./recording.ts";

const SERVICE = fileURLToPath(new URL("targets/service.ts", import.meta.url));
const engines = createRequire(new URL("../test/engines/package.json", import.meta.url));
/** Framework → the package that only tests fetch; null: none. */
const FRAMEWORKS = { "node:http": null, Fastify: null, Express: "express", Hono: "hono" } as const;
const CONNECTIONS = 32;
const SECONDS = 1;
const BODY = JSON.stringify({
  rows: Array.from({ length: 20 }, (_, id) => ({ id, name: `row ${id}`, size: id * 7 })),
});

export const bench: Bench = {
  name: "library",
  async run({ rounds, say }) {
    const found = Object.entries(FRAMEWORKS).filter(([, needed]) => needed === null || isThere(needed));
    const names = found.map(([name]) => name);
    await using services = new AsyncDisposableStack();
    const cases: Case[] = [];
    for (const name of names)
      for (const audit of ["without", "with"] as const) {
        const { port } = services.use(await openService(name, audit));
        cases.push({ name: `${name}, ${audit}`, turn: () => turn(port) });
      }
    const results = await interleave(cases, { rounds, say });
    return {
      targets: names.flatMap((name) => targetsOf(name, results)),
      tables: [
        {
          caption: `A service that reads JSON of ${BODY.length} bytes, asks its database, and answers: requests on ${CONNECTIONS} connections, latency on one`,
          head: ["", "requests/s", "p50 ms", "p95 ms"],
          rows: cases.map(({ name }) => [
            name,
            ...["requests/s", "p50 ms", "p95 ms"].map((measure) => number(results.median(name, measure))),
          ]),
        },
      ],
      versions: loadVersions(),
      notes:
        names.length < Object.keys(FRAMEWORKS).length ? ["Express and Hono are fetched by `npm test`."] : [],
    };
  },
};

function targetsOf(name: string, results: Results) {
  const [on, off] = [`${name}, with`, `${name}, without`];
  const latency = (measure: string) => results.difference(on, off, measure);
  return [
    {
      what: `${name}: throughput with and without`,
      measured: results.ratio(on, off, "requests/s"),
      least: 0.9,
      goal: 0.95,
      better: "more",
      unit: "×",
    },
    {
      what: `${name}: added latency, p50`,
      measured: latency("p50 ms"),
      least: 0.2,
      goal: 0.1,
      better: "less",
      unit: " ms",
    },
    {
      what: `${name}: added latency, p95`,
      measured: latency("p95 ms"),
      least: 5,
      goal: 0.5,
      better: "less",
      unit: " ms",
    },
  ] as const;
}

interface Service extends AsyncDisposable {
  readonly port: number;
}

/** The thread that serves has a core; the others share the second one with the generator. */
async function openService(framework: string, audit: "with" | "without"): Promise<Service> {
  const folder = benchFolder();
  const { child, line } = await started(process.execPath, [SERVICE, framework, audit, folder]);
  placeServer(child.pid ?? 0);
  return {
    port: Number(line),
    async [Symbol.asyncDispose]() {
      await stopped(child, "SIGKILL");
    },
  };
}

async function turn(port: number): Promise<Measured> {
  const headers = { "content-type": "application/json" };
  const asked = { port, path: "/work", headers, body: BODY };
  const one = await askAll(asked, 1, SECONDS);
  const many = await askAll(asked, CONNECTIONS, SECONDS);
  const failures = one.failures + many.failures;
  if (failures > 0) throw new Error(`${failures} requests failed`);
  return { "requests/s": many.requests / many.seconds, "p50 ms": one.p50, "p95 ms": one.p95 };
}

function isThere(name: string): boolean {
  try {
    engines.resolve(name);
    return true;
  } catch {
    return false;
  }
}
