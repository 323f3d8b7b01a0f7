// A tool call through the MCP proxy, one connection: what it adds to the latency of the server, beside a bare pipe proxy.
import { fileURLToPath } from "node:url";
import { type Bench, type Case, interleave, type Measured, number } from "./harness.ts";
import { askAll, loadVersions, type Upstream } from "./load/load.ts";
import { placeBeside, started, stopped } from "./load/programs.ts";
import { BENCH_KEY } from "./targets/keys.ts";
import { direct, openDaybook, openPipe, openTargets, type Target } from "./targets/targets.ts";

const CALL = {
  jsonrpc: "2.0",
  id: 1,
  method: "tools/call",
  params: {
    name: "search",
    arguments: {
      query: "What is the capital of France known for?",
      limit: 10,
      filters: { language: "en", since: "2026-01-01" },
    },
  },
};

export const bench: Bench = {
  name: "mcp",
  async run({ quick, rounds, say }) {
    await using upstream = await openMcpUpstream();
    await using targets = openTargets([
      direct(upstream),
      await openPipe(upstream),
      await openDaybook(upstream, "unrecorded"),
      await openDaybook(upstream, "open"),
      await openDaybook(upstream, "strict"),
    ]);
    const seconds = quick ? 1 : 2;
    const cases: Case[] = targets.all.map((target) => ({
      name: target.name,
      turn: () => measure(target, seconds),
    }));
    const results = await interleave(cases, { rounds, say });
    const added = (name: string, least: number) => ({
      what: `${name}: latency added to a tool call, p50`,
      measured: results.difference(name, "direct", "p50 ms"),
      least,
      goal: least / 2,
      better: "less" as const,
      unit: " ms",
    });
    return {
      versions: loadVersions(),
      targets: [added("Daybook, open", 0.5), added("Daybook, strict", 2)],
      tables: [
        {
          caption:
            "One connection: a tool call with an answer of 1 KB, and what is added to that of the server itself",
          head: ["", "p50 ms", "p95 ms", "p99 ms", "added p50 ms", "added p95 ms"],
          rows: cases.map(({ name }) => [
            name,
            ...["p50 ms", "p95 ms", "p99 ms"].map((each) => number(results.median(name, each))),
            ...["p50 ms", "p95 ms"].map((each) => number(results.difference(name, "direct", each))),
          ]),
        },
      ],
    };
  },
};

async function openMcpUpstream(): Promise<Upstream> {
  const { child, line } = await started(process.execPath, [
    fileURLToPath(new URL("load/mcp-upstream.ts", import.meta.url)),
  ]);
  placeBeside(child.pid ?? 0);
  return { port: Number(line), made: "node", [Symbol.asyncDispose]: () => stopped(child, "SIGKILL") };
}

async function measure(target: Target, seconds: number): Promise<Measured> {
  const { port } = target.ask("json");
  const headers = {
    "content-type": "application/json",
    accept: "application/json, text/event-stream",
    authorization: `Bearer ${BENCH_KEY}`,
  };
  const served = await askAll({ port, path: "/mcp/bench", headers, body: JSON.stringify(CALL) }, 1, seconds);
  await target.settle();
  if (served.failures > 0 || served.requests === 0)
    throw new Error(`${target.name}: ${served.failures} of ${served.requests} calls failed`);
  return { "p50 ms": served.p50, "p95 ms": served.p95, "p99 ms": served.p99 };
}
