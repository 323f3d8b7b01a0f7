// What somebody who can write to the store may try, each at a place of its own by chance.
import { type Cell, COLUMN, FIELDS, type FieldName } from "../../src/event/fields.ts";
import { erased, isErased, type JournalEvent } from "../../src/event/leaf.ts";
import { leafOf } from "../../src/evidence/leaves.ts";
import { STATES, worstOf } from "../../src/evidence/report.ts";
import { makeEvents } from "../support/events.ts";
import {
  A,
  B,
  checkpointText,
  copyOf,
  judge,
  type Leaves,
  PRUNED,
  rootOf,
  SEAL_EVERY,
  type Signer,
  signer,
  tilesOf,
  type World,
  type WorldLog,
} from "./sealed-world.ts";

/** A whole number below `limit`. */
type Random = (limit: number) => number;

interface Target {
  readonly world: World;
  readonly log: WorldLog;
  readonly leaves: Leaves;
  readonly retired: Signer;
  readonly random: Random;
}

/**
 * What the verifier makes of it. `seen`: wrong, or nothing is proven. `told`: nothing is wrong, but it says what there is.
 * `unseen`: as if nothing had happened; that is the documented set.
 */
export type Verdict = "seen" | "told" | "unseen";

export interface Attack {
  readonly alone: Verdict;
  readonly anchored: Verdict;
  readonly on?: typeof B;
  readonly carryOut: (target: Target) => void;
}

/** A signature line ends in base64 of KEY_ID_BYTES and the signature. */
const SIGNATURE = /[^ ]+\n$/;
const KEY_ID_BYTES = 4;

function withKeyIdOf(known: string, forged: string): string {
  const [id, signature] = [known, forged].map((note) =>
    Buffer.from(SIGNATURE.exec(note)?.[0] ?? "", "base64"),
  );
  const bytes = Buffer.concat([id?.subarray(0, KEY_ID_BYTES), signature?.subarray(KEY_ID_BYTES)] as Buffer[]);
  return forged.replace(SIGNATURE, `${bytes.toString("base64")}\n`);
}

const always = (carryOut: Attack["carryOut"]): Attack => ({ alone: "seen", anchored: "seen", carryOut });
const anchoredOnly = (carryOut: Attack["carryOut"], alone: Verdict = "unseen"): Attack => ({
  alone,
  anchored: "seen",
  carryOut,
});

/** By chance, one that is neither erased nor tells of retention. */
function somewhere({ log, random }: Target): number {
  for (;;) {
    const at = random(log.events.length);
    const event = log.events[at];
    if (event !== undefined && !isErased(event) && event.row[COLUMN.action] !== "pruned") return at;
  }
}

function withCells(event: JournalEvent, cells: { readonly [name in FieldName]?: Cell }): JournalEvent {
  const row = event.row.slice();
  for (const [name, cell] of Object.entries(cells)) row[COLUMN[name as FieldName]] = cell;
  return { ...event, row };
}

/** Another value of a field of this sort, by chance. */
function edit(target: Target, isOfSort: (sort: string) => boolean): void {
  const at = somewhere(target);
  const fields = FIELDS.filter((field) => isOfSort(field.class) && !["node_id", "seq"].includes(field.name));
  const field = fields[target.random(fields.length)] as (typeof FIELDS)[number];
  const event = target.log.events[at] as JournalEvent;
  const was = event.row[COLUMN[field.name]] ?? null;
  const other =
    field.type === "integer" ? Number(was ?? 0) + 1 : field.type === "boolean" ? was !== true : `${was}x`;
  target.log.events[at] = withCells(event, { [field.name]: other });
}

/** To a checkpoint that has what tells of the pruning: else the gap would not be explained. */
const FIRST_BACK = 2;

function rollBack({ log, leaves, random }: Target): number {
  const kept = FIRST_BACK + random(log.notes.length - 1 - FIRST_BACK);
  const size = (kept + 1) * SEAL_EVERY;
  const left = (leaves[log.nodeId] ?? []).slice(0, size);
  log.notes = log.notes.slice(0, kept + 1);
  log.events = log.events.filter(({ row }) => Number(row[COLUMN.seq]) <= size);
  log.tiles = tilesOf(left);
  log.end = { seq: size, root: rootOf(left) };
  return size;
}

/** Whoever has no key makes one, and signs what he likes. */
function resign(target: Target, from: number): void {
  const { log, leaves } = target;
  const forger = signer(log.nodeId);
  const size = log.end?.seq ?? 0;
  const forged = makeEvents({
    nodeId: log.nodeId,
    count: size - from + 1,
    firstSeq: from,
    seed: 1 + target.random(1e6),
  });
  log.events = [...log.events.filter(({ row }) => Number(row[COLUMN.seq]) < from), ...forged];
  const all = [...(leaves[log.nodeId] ?? []).slice(0, from - 1), ...forged.map(leafOf)];
  log.tiles = tilesOf(all);
  log.end = { seq: size, root: rootOf(all) };
  log.keys = JSON.stringify({ format: 1, keys: [forger.text], handovers: [] });
  log.notes = [forger.note(checkpointText(log.nodeId, all, size))];
}

const remove = (target: Target, at: number, count = 1) => target.log.events.splice(at, count);

export const ATTACKS: Readonly<Record<string, Attack>> = {
  "edit a public column": always((target) => edit(target, (sort) => sort === "public")),
  "edit a personal or derived column": always((target) => edit(target, (sort) => sort !== "public")),
  "change a salt": always((target) => {
    const at = somewhere(target);
    const event = target.log.events[at] as JournalEvent;
    const salt = Uint8Array.from(event.p1Salt);
    salt[target.random(16)] = (salt[0] ?? 0) ^ (1 + target.random(255));
    if (Buffer.compare(salt, event.p1Salt) === 0) salt[0] = (salt[0] ?? 0) ^ 1;
    target.log.events[at] = { ...event, p1Salt: salt };
  }),
  "delete the first": always((target) => remove(target, 0)),
  "delete one in the middle": always((target) => remove(target, somewhere(target))),
  "delete the last": always((target) => remove(target, target.log.events.length - 1)),
  "delete all": always((target) => {
    target.log.events = [];
  }),
  "insert one": always((target) => {
    const at = somewhere(target);
    const seq = Number(target.log.events[at]?.row[COLUMN.seq]);
    const seed = 1 + target.random(1e6);
    target.log.events.splice(
      at,
      0,
      ...makeEvents({ nodeId: target.log.nodeId, count: 1, firstSeq: seq, seed }),
    );
  }),
  "swap two": always((target) => {
    const { events } = target.log;
    const [one, other] = [somewhere(target), somewhere(target)];
    const next = one === other ? (one + 1) % events.length : other;
    const [a, b] = [events[one] as JournalEvent, events[next] as JournalEvent];
    events[one] = withCells(a, { seq: b.row[COLUMN.seq] ?? null });
    events[next] = withCells(b, { seq: a.row[COLUMN.seq] ?? null });
  }),
  "delete one and renumber": always((target) => {
    const at = somewhere(target);
    target.log.events = target.log.events.flatMap((event, index) =>
      index < at
        ? [event]
        : index === at
          ? []
          : [withCells(event, { seq: Number(event.row[COLUMN.seq]) - 1 })],
    );
  }),
  "replay one": always((target) =>
    target.log.events.push(target.log.events[somewhere(target)] as JournalEvent),
  ),
  "roll the store back": anchoredOnly(rollBack),
  "truncate the tail": always((target) => {
    target.log.events = target.log.events.slice(0, 1 + target.random(target.log.events.length - 1));
  }),
  "restore older events under a newer checkpoint": always((target) => {
    const [newest, end] = [target.log.notes.at(-1) as string, target.log.end];
    rollBack(target);
    target.log.notes.push(newest);
    target.log.end = end;
  }),
  "fork, and sign with another key": anchoredOnly((target) => resign(target, 121 + target.random(170))),
  "sign a checkpoint with another key": always((target) => {
    const { log, leaves } = target;
    const at = target.random(log.notes.length);
    log.notes[at] = signer(log.nodeId).note(
      checkpointText(log.nodeId, leaves[log.nodeId] ?? [], (at + 1) * SEAL_EVERY),
    );
  }),
  "sign a checkpoint with another key, in the known one's name": always((target) => {
    const { log, leaves } = target;
    const at = target.random(log.notes.length);
    const forged = signer(log.nodeId).note(
      checkpointText(log.nodeId, leaves[log.nodeId] ?? [], (at + 1) * SEAL_EVERY),
    );
    log.notes[at] = withKeyIdOf(log.notes[at] as string, forged);
  }),
  "sign with a key that was handed over": always(({ log, leaves, retired, random }) => {
    const size = 201 + random(100);
    log.notes.push(retired.note(checkpointText(log.nodeId, leaves[log.nodeId] ?? [], size)));
  }),
  "strip a signature": always(({ log, random }) => {
    const at = random(log.notes.length);
    log.notes[at] = (log.notes[at] as string).replace(/\n— .*\n$/s, "\n");
  }),
  "show an older checkpoint": anchoredOnly(({ log, random }) => {
    log.notes = log.notes.slice(0, 1 + FIRST_BACK + random(log.notes.length - 1 - FIRST_BACK));
  }, "told"),
  "show no checkpoint": always(({ log }) => {
    log.notes = [];
  }),
  "prune without a record": always((target) => {
    const at = 70 + target.random(100);
    remove(target, at, 1 + target.random(40));
  }),
  "forge a record of pruning": always((target) => {
    const at = target.log.events.findIndex(({ row }) => row[COLUMN.action] === "pruned");
    const event = target.log.events[at] as JournalEvent;
    const metadata = JSON.stringify({
      ...JSON.parse(String(event.row[COLUMN.metadata])),
      to_seq: 300,
      inference: 299,
    });
    target.log.events[at] = withCells(event, { metadata });
    remove(target, 150 + target.random(100));
  }),
  "prune what a hold had kept": always((target) => {
    const first = target.log.events.findIndex(({ row }) => row[COLUMN.seq] === PRUNED.from + PRUNED.count);
    remove(target, first + target.random(PRUNED.to - PRUNED.from - PRUNED.count));
  }),
  "erase without a record": {
    alone: "told",
    anchored: "told",
    carryOut: (target) => {
      const at = somewhere(target);
      target.log.events[at] = erased(target.log.events[at] as JournalEvent);
    },
  },
  "move one to another log": always((target) => {
    const at = somewhere(target);
    target.log.events[at] = withCells(target.log.events[at] as JournalEvent, { node_id: B });
  }),
  "rewrite times": always((target) => {
    const from = somewhere(target);
    const shift = 1 + target.random(1e9);
    target.log.events = target.log.events.map((event, index) =>
      index < from ? event : withCells(event, { recorded_at: Number(event.row[COLUMN.recorded_at]) - shift }),
    );
  }),
  "change a tile": always(({ log, random }) => {
    const names = [...log.tiles.keys()];
    const name = names[random(names.length)] as string;
    const tile = Uint8Array.from(log.tiles.get(name) as Uint8Array);
    const at = random(tile.length);
    tile[at] = (tile[at] ?? 0) ^ (1 << random(8));
    log.tiles.set(name, tile);
  }),
  "remove a log": {
    ...anchoredOnly(({ world }) => {
      world.logs = world.logs.filter(({ nodeId }) => nodeId !== B);
    }),
    on: B,
  },
  "swap the anchors": anchoredOnly(({ world, random }) => {
    const lists = world.anchors.get(A) ?? [];
    const at = random(lists.length);
    const { size = 0 } = lists[at] ?? {};
    lists[at] = {
      size,
      root: random(2 ** 30)
        .toString(16)
        .padStart(64, "0"),
    };
  }),
};

export interface Tried {
  readonly alone: Readonly<Record<Verdict, number>>;
  readonly anchored: Readonly<Record<Verdict, number>>;
}

/** Each attack so often, at other places each time; what the verifier made of it, without anchors and with them. */
export async function attack(
  made: { readonly world: World; readonly retired: Signer; readonly leaves: Leaves },
  { carryOut, on = A }: Pick<Attack, "carryOut"> & { readonly on?: string },
  times: number,
  seed: number,
): Promise<Tried> {
  const tried = { alone: { seen: 0, told: 0, unseen: 0 }, anchored: { seen: 0, told: 0, unseen: 0 } };
  const honest = await summary(made.world, false);
  const random = generator(seed);
  for (let n = 0; n < times; n++) {
    const world = copyOf(made.world);
    const log = world.logs.find(({ nodeId }) => nodeId === on) as WorldLog;
    carryOut({ world, log, leaves: made.leaves, retired: made.retired, random });
    const [alone, anchored] = await Promise.all([summary(world, false), summary(world, true)]);
    tried.alone[verdictOf(alone, honest)]++;
    tried.anchored[verdictOf(anchored, honest)]++;
  }
  return tried;
}

async function summary(world: World, withAnchors: boolean) {
  const reports = await judge(world, withAnchors);
  const state = worstOf(reports.map((report) => report.state));
  const erased = reports.reduce((sum, report) => sum + report.erased, 0);
  return { code: STATES[state], told: `${state} ${erased}` };
}

type Summary = Awaited<ReturnType<typeof summary>>;

/** From 20 on something is wrong, or nothing is proven. */
function verdictOf({ code, told }: Summary, honest: Summary): Verdict {
  if (code >= 20) return "seen";
  return told === honest.told ? "unseen" : "told";
}

/** mulberry32: the same places for the same seed. */
function generator(seed: number): Random {
  let state = seed;
  return (limit) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * limit);
  };
}
