// The API without a server: for the command line, on the data folder itself, beside a running server or without one.
// It takes a slot of its own, so that what it does is recorded, sealed and shipped like everything else; a server
// notices its changes in control.db. What cannot be shipped now is in the journal, for a server to adopt.

import { join } from "node:path";
import type { FastifyInstance } from "fastify";
import { grantsOf, type Holder } from "../api/authorize.ts";
import { createApi } from "../api/create-api.ts";
import type { Method } from "../api/route.ts";
import type { Config } from "../config/config.ts";
import { daybookVersion } from "../config/version.ts";
import { openParts } from "../control/parts.ts";
import { Delivery } from "../delivery/delivery.ts";
import { Ingest } from "../delivery/ingest.ts";
import { OutboxPump } from "../delivery/outbox.ts";
import { DaybookError } from "../event/errors.ts";
import { Adoption } from "../node/adoption.ts";
import { makeFolder } from "../node/folder.ts";
import { limitsOf } from "../node/kept-segments.ts";
import { openNode } from "../node/node.ts";
import { Openings } from "../node/openings.ts";
import { tellLoss } from "../node/tell-loss.ts";
import { proofOf } from "../places/make-proof.ts";
import { Exporter } from "../read/export/exporter.ts";
import { openReader } from "../read/reader.ts";
import { Recorder } from "../recorder/recorder.ts";
import { Erasing } from "./erasing.ts";
import { NO_JOBS } from "./jobs.ts";
import { report } from "./own-log.ts";
import { ProviderTable } from "./provider-table.ts";
import { Spending } from "./spending.ts";
import { Targets } from "./targets.ts";
import { createUpstreams } from "./upstreams.ts";

export interface Direct extends AsyncDisposable {
  /** Rejects with what kept Daybook from answering; refusals are answers. */
  ask(method: Method, path: string, body?: unknown): Promise<DirectAnswer>;
}

export interface DirectAnswer {
  readonly status: number;
  readonly link: string | null;
  readonly text: string;
}

const SHIP_MS = 5000;

/** Whoever may read and write the data folder may do everything. */
const OWNER: Holder = {
  id: "cli",
  name: "command line",
  role: "admin",
  grants: grantsOf("admin", null),
  userId: null,
  tokenId: null,
  session: null,
};

const NO_SERVER = "No server is asked here: send it SIGHUP, or name it with --url.";

export async function openDirect(config: Config): Promise<Direct> {
  const openings = new Openings();
  try {
    return await open(config, openings);
  } catch (error) {
    await openings.close().catch(() => {});
    throw error;
  }
}

async function open(config: Config, openings: Openings): Promise<Direct> {
  makeFolder(config.home);
  const { slot, journal } = await openNode(config.home, config.store, limitsOf(config));
  openings.add(() => slot.release());
  openings.add(() => journal.close());
  const { nodeId } = slot;
  const path = join(config.home, "control.db");
  const parts = await openParts({ path, nodeId, clock: Date.now, secretKey: config.secretKey });
  openings.add(() => parts.control.close());
  parts.catalog.setFixed(config);
  parts.mcpServers.setFixed(config.mcp.servers);
  parts.policies.setFixed(config);
  const recorder = new Recorder({ journal, modes: config.audit.modes, profile: config.profile });
  const spending = new Spending({ config, parts, recorder, slot, durable: journal.durable });
  openings.add(async () => {
    await recorder.close();
    await spending.accounts.close();
  });
  const outbox = new OutboxPump(parts.control, recorder, journal.outboxId);
  const charges = () => parts.charges.read();
  const delivery = await Delivery.open({ address: config.store, slot, durable: journal.durable, charges });
  openings.add(async () => {
    await outbox.pump().catch(() => {});
    await outbox.close();
    await recorder.close();
    await delivery.caughtUp(SHIP_MS);
    await delivery.close();
  });
  const reader = await openReader(config.store, { lazy: true });
  openings.add(() => reader.close());
  const table = await ProviderTable.open({ catalog: parts.catalog, proxy: config.proxy, report });
  openings.add(() => table.close());
  let counted: Promise<void> | null = null;
  let failure: unknown = null;
  const count = () => {
    counted ??= spending.start(reader);
    return counted;
  };
  const { accounts } = spending;
  const adoption = new Adoption({
    home: config.home,
    own: slot,
    address: config.store,
    limits: limitsOf(config),
    modes: config.audit.modes,
    outbox: parts.control,
    positions: () => reader.positions(),
    charges,
    onLost: (lostNode, lost) => tellLoss(recorder, lostNode, lost),
  });
  const erasing = new Erasing({
    home: config.home,
    own: slot,
    parts,
    reader,
    delivery,
    journal,
    accounts: {
      rename: (userId, other) => accounts.rename(userId, other),
      keep: () => count().then(() => accounts.keep()),
    },
    jobs: NO_JOBS,
    adopt: () => adoption.round(),
    report: (error) => report(error, "erasure"),
  });
  openings.add(() => erasing.close());
  openings.add(parts.holds.follow(() => delivery.halt()));
  // A command does what it was asked for; the rest is for a server, or for the next erasure.
  erasing.start({ resume: false });
  const api = createApi({
    ...parts,
    version: daybookVersion(),
    refusals: { count: () => false },
    reader,
    // What is asked here is over with its answer.
    feed: { subscribe: () => Promise.reject(new DaybookError("bad_argument", NO_SERVER)), wake: () => {} },
    recorder,
    jobs: NO_JOBS,
    evidence: {
      seals: () => reader.seals(),
      proof: (eventId) => proofOf(reader, eventId),
      anchors: () => [],
    },
    runSchedule: () => Promise.reject(new DaybookError("bad_argument", NO_SERVER)),
    exporter: new Exporter(config.store),
    targets: new Targets(() => config.exportTargets),
    ingest: new Ingest(config.store),
    upstreams: createUpstreams(table, parts.catalog),
    mcp: { of: () => null },
    reload: () => Promise.reject(new DaybookError("bad_argument", NO_SERVER)),
    async balance(userId) {
      await count();
      return spending.ledger.balance(userId);
    },
    async standing(type, id) {
      await count();
      return spending.standing(type, id);
    },
    kept: config.audit,
    metricsText: async () => "",
    ready: async () => ({ ok: true, checks: {} }),
    now: Date.now,
    clientIp: () => "",
    isSecure: () => true,
    isLoopback: () => true,
    trusted: OWNER,
    report: (error) => {
      failure = error;
    },
  });
  await api.ready();
  openings.add(() => api.close());
  return {
    async ask(method, path, body) {
      failure = null;
      const answer = await inject(api, method, path, body);
      if (failure !== null) throw failure;
      return answer;
    },
    [Symbol.asyncDispose]: () => openings.close(),
  };
}

async function inject(
  api: FastifyInstance,
  method: Method,
  url: string,
  body: unknown,
): Promise<DirectAnswer> {
  const { statusCode, headers, payload } = await api.inject({
    method,
    url,
    ...(body === undefined
      ? {}
      : { payload: JSON.stringify(body), headers: { "content-type": "application/json" } }),
  });
  const link = typeof headers.link === "string" ? headers.link : null;
  return { status: statusCode, link, text: payload };
}
