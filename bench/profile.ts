// Where each microsecond of a recorded request goes: V8's sampling profiler on every thread of a Daybook under load,
// summed by room. What the engine itself does for a function (JSON, copies, system calls) counts as that function's.
import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type Bench, number, type Table } from "./harness.ts";
import { askAll, loadVersions, openUpstream } from "./load/load.ts";
import { benchFolder } from "./recording.ts";
import { openDaybook } from "./targets/targets.ts";

/** More often, and the profiler is what it sees. */
const SAMPLE_MICROS = 1000;
const FUNCTIONS = 25;

/** The part of a .cpuprofile that is read here. */
interface Profile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
    readonly children?: readonly number[];
  }[];
  /** Microseconds of CLOCK_MONOTONIC. */
  readonly startTime: number;
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

/** Microseconds by thread, then by room or function. */
type Sums = Map<string, Map<string, number>>;

export const bench: Bench = {
  name: "profile",
  async run({ quick, say }) {
    const folder = benchFolder();
    const profiles = join(folder, "profiles");
    mkdirSync(profiles);
    await using upstream = await openUpstream(50, 10);
    const execArgv = ["--cpu-prof", `--cpu-prof-dir=${profiles}`, `--cpu-prof-interval=${SAMPLE_MICROS}`];
    const daybook = await openDaybook(upstream, "open", execArgv);
    const load = (seconds: number) => askAll(daybook.ask("json"), 32, seconds);
    await load(quick ? 1 : 5);
    await daybook.settle();
    const span: { from: number; to: number } = { from: monotonicMicros(), to: 0 };
    const { requests } = await load(quick ? 3 : 20);
    await daybook.settle();
    span.to = monotonicMicros();
    await daybook[Symbol.asyncDispose]();
    say(`${requests} requests`);
    const rooms: Sums = new Map();
    const functions = new Map<string, number>();
    for (const name of readdirSync(profiles))
      add(JSON.parse(readFileSync(join(profiles, name), "utf8")) as Profile, span, rooms, functions);
    return {
      versions: loadVersions(),
      targets: [],
      tables: [roomTable(rooms, requests), functionTable(functions, requests)],
    };
  },
};

interface Span {
  readonly from: number;
  readonly to: number;
}

function monotonicMicros(): number {
  return Number(process.hrtime.bigint() / 1000n);
}

/** Adds what the thread did within the span. */
function add(profile: Profile, span: Span, rooms: Sums, functions: Map<string, number>): void {
  const { nodes } = profile;
  const parents = new Map<number, number>();
  for (const { id, children = [] } of nodes) for (const child of children) parents.set(child, id);
  const byId = new Map(nodes.map((node) => [node.id, node]));
  /** The function that a sample counts for: the nearest that has a place in some file. */
  const placeOf = (id: number) => {
    for (let at: number | undefined = id; at !== undefined; at = parents.get(at)) {
      const frame = byId.get(at)?.callFrame;
      if (frame !== undefined && frame.url !== "") return frame;
    }
    return byId.get(id)?.callFrame;
  };
  const thread = threadOf(nodes);
  const ofThread = rooms.get(thread) ?? new Map<string, number>();
  rooms.set(thread, ofThread);
  for (const [id, spent] of microsOf(profile, span)) {
    const place = placeOf(id);
    const engine = byId.get(id)?.callFrame.functionName ?? "";
    if (place === undefined || engine === "(idle)" || engine === "(root)") continue;
    const room = engine === "(garbage collector)" ? "garbage collection" : roomOf(place.url);
    ofThread.set(room, (ofThread.get(room) ?? 0) + spent);
    if (place.url === "") continue;
    const what = byId.get(id)?.callFrame.url === "" && engine !== "" ? ` › ${engine}` : "";
    const name = `${thread}: ${fileOf(place.url)} ${place.functionName || "(anonymous)"}${what}`;
    functions.set(name, (functions.get(name) ?? 0) + spent);
  }
}

/** Microseconds by node. */
function microsOf({ samples, timeDeltas, startTime }: Profile, { from, to }: Span): Map<number, number> {
  const micros = new Map<number, number>();
  let at = startTime;
  for (const [index, id] of samples.entries()) {
    const delta = timeDeltas[index] ?? 0;
    at += delta;
    if (at >= from && at <= to) micros.set(id, (micros.get(id) ?? 0) + delta);
  }
  return micros;
}

function threadOf(nodes: Profile["nodes"]): string {
  for (const { callFrame } of nodes) {
    const worker = /\/src\/\w+\/(\w+)-worker\.ts$/.exec(callFrame.url);
    if (worker?.[1] !== undefined) return worker[1];
  }
  return "request";
}

function fileOf(url: string): string {
  return url.replace(/^.*\/(src|node_modules|bench)\//, (_, folder) =>
    folder === "src" ? "" : `${folder}/`,
  );
}

/** A room of src/, a package, a module of Node, or what has no place: the engine and the system calls of its loop. */
function roomOf(url: string): string {
  if (url === "") return "engine and event loop";
  const inSource = /\/src\/(\w+)\//.exec(url);
  if (inSource?.[1] !== undefined && !url.includes("/node_modules/")) return `${inSource[1]}/`;
  const inPackage = /\/node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url);
  if (inPackage?.[1] !== undefined) return inPackage[1];
  const inNode = /^node:(?:internal\/)?(?:_)?(\w+)/.exec(url);
  return `node: ${(inNode?.[1] ?? "other").replace(/^(http|stream|net|timers)_?.*$/, "$1")}`;
}

function roomTable(rooms: Sums, requests: number): Table {
  const threads = [...rooms.keys()].filter((thread) => totalOf(rooms.get(thread)) / requests >= 0.05);
  const names = [...new Set(threads.flatMap((thread) => [...(rooms.get(thread)?.keys() ?? [])]))];
  const sum = (room: string) => threads.reduce((all, thread) => all + (rooms.get(thread)?.get(room) ?? 0), 0);
  const cell = (micros: number) => (micros / requests < 0.05 ? "" : (micros / requests).toFixed(1));
  const rows = names
    .filter((room) => sum(room) / requests >= 0.1)
    .sort((a, b) => sum(b) - sum(a))
    .map((room) => [
      room,
      ...threads.map((thread) => cell(rooms.get(thread)?.get(room) ?? 0)),
      cell(sum(room)),
    ]);
  const totals = threads.map((thread) => totalOf(rooms.get(thread)));
  const all = totals.reduce((sum, total) => sum + total, 0);
  return {
    caption: `µs for each of ${number(requests)} recorded JSON requests, by thread and room, as the profiler saw them`,
    head: ["", ...threads.map((thread) => `${thread} thread`), "all"],
    rows: [...rows, ["**all**", ...totals.map(cell), cell(all)]],
  };
}

function totalOf(sums: ReadonlyMap<string, number> | undefined): number {
  return [...(sums?.values() ?? [])].reduce((sum, micros) => sum + micros, 0);
}

function functionTable(functions: ReadonlyMap<string, number>, requests: number): Table {
  const first = [...functions].sort(([, a], [, b]) => b - a).slice(0, FUNCTIONS);
  return {
    caption: `The ${FUNCTIONS} functions with most of it (thread: file function › what the engine did for it)`,
    head: ["", "µs/request"],
    rows: first.map(([name, micros]) => [`\`${name}\``, (micros / requests).toFixed(2)]),
  };
}
