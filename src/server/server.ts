// Composition: the only place where everything meets. Opened in the order of an event's way, closed in reverse.
import type { IncomingMessage } from "node:http";
import { join } from "node:path";
import type { FastifyInstance } from "fastify";
import { createApi, upgradesOf } from "../api/create-api.ts";
import { isLoopback } from "../config/address.ts";
import type { Config } from "../config/config.ts";
import { daybookVersion } from "../config/version.ts";
import { completeFirstStart } from "../control/bootstrap.ts";
import { keepOptions } from "../control/configuration.ts";
import { type ControlParts, openParts } from "../control/parts.ts";
import type { ScryptCost } from "../control/passwords.ts";
import { Delivery } from "../delivery/delivery.ts";
import { Ingest } from "../delivery/ingest.ts";
import { OutboxPump } from "../delivery/outbox.ts";
import { DaybookError } from "../event/errors.ts";
import { Gateway } from "../gateway/gateway.ts";
import { CallBook } from "../gateway/mcp/call-book.ts";
import { OpenStreams } from "../gateway/mcp/open-streams.ts";
import { Rounds } from "../gateway/mcp/rounds.ts";
import { openDropsFile } from "../journal/drops.ts";
import type { JournalClient, JournalLimits } from "../journal/journal-client.ts";
import type { Slot } from "../journal/slot.ts";
import { Adoption } from "../node/adoption.ts";
import { clientAddress, clientSecurity } from "../node/client-address.ts";
import { makeFolder } from "../node/folder.ts";
import { keptSegments, limitsOf } from "../node/kept-segments.ts";
import { openNode } from "../node/node.ts";
import { Openings } from "../node/openings.ts";
import { tellLoss } from "../node/tell-loss.ts";
import { proofOf } from "../places/make-proof.ts";
import type { Found } from "../providers/found.ts";
import { Feed } from "../read/feed.ts";
import { openReader } from "../read/reader.ts";
import { withDeadline } from "../recorder/handle.ts";
import { Recorder } from "../recorder/recorder.ts";
import { Refusals } from "../recorder/refusals.ts";
import { Anchoring } from "./anchoring.ts";
import { closer } from "./closer.ts";
import { Dashboard } from "./dashboard.ts";
import { openExporting } from "./exporting.ts";
import { openListener } from "./listener.ts";
import { LiveConfig, type Reloaded } from "./live-config.ts";
import { openMcpTable } from "./mcp-table.ts";
import { createMetrics } from "./metrics.ts";
import { createOverhead } from "./overhead.ts";
import { report } from "./own-log.ts";
import { ProviderTable } from "./provider-table.ts";
import { readiness } from "./readiness.ts";
import { reloadBySignal } from "./reload.ts";
import type { Retention } from "./retention.ts";
import { Spending } from "./spending.ts";
import { certificateFor } from "./tls.ts";
import { openUpkeep } from "./upkeep.ts";
import { createUpstreams } from "./upstreams.ts";

export interface Server {
  readonly url: string;
  readonly nodeId: string;
  /** Secrets made on the first start, to be shown once; null on every later one. */
  readonly firstSecrets: { readonly adminToken: string; readonly apiKey: string } | null;
  /** Providers that this start made from what the environment tells of. */
  readonly found: readonly Found[];
  /** Whether the built-in simulation answers. */
  readonly simulated: boolean;
  /** A model that can be asked for; null: only globs are known. */
  readonly exampleModel: string | null;
  readonly recorder: Recorder;
  readonly outbox: OutboxPump;
  readonly delivery: Delivery;
  readonly adoption: Adoption;
  readonly retention: Retention;
  /** Reads the configuration again, as SIGHUP asks for. Rejects with what is wrong with it; it is recorded either way. */
  reload(): Promise<Reloaded>;
  /** Stops accepting, finishes what is in flight (at most `graceMs`), drains journal and store. Idempotent. */
  close(graceMs?: number): Promise<void>;
  /** Ends the grace of a running close. */
  cut(): void;
}

const SHIP_MS = 10_000;
const PUMP_MS = 5000;

export interface ServerOptions {
  /** Reads the configuration again, for reloads; without it there are none. */
  readonly load?: (() => Promise<Config>) | undefined;
  /** The rest is for tests. */
  /** The code of the journal's thread. */
  readonly journalWorker?: URL | undefined;
  /** What hashing a password costs. */
  readonly scrypt?: ScryptCost | undefined;
}

export async function openServer(config: Config, options: ServerOptions = {}): Promise<Server> {
  const openings = new Openings();
  try {
    return await open(config, openings, options);
  } catch (error) {
    await openings.close().catch(() => {});
    throw error;
  }
}

async function open(
  config: Config,
  openings: Openings,
  { journalWorker: workerUrl, scrypt, load }: ServerOptions,
): Promise<Server> {
  if (!config.store.startsWith("sqlite:"))
    throw new DaybookError("remote_store", new URL(config.store).origin);
  makeFolder(config.home);
  const sizes = limitsOf(config);
  const limits = workerUrl === undefined ? sizes : { ...sizes, workerUrl };
  const { slot, journal, ended } = await openNode(config.home, config.store, limits);
  openings.add(() => slot.release());
  const anchoring = new Anchoring({ home: config.home, targets: config.anchors, now: Date.now });
  // After the journal, whose last checkpoint it tells.
  openings.add(() => anchoring.close());
  openings.add(() => journal.close());
  journal.onUnsealed((error) => report(error, "sealing"));
  const { nodeId } = slot;
  const path = join(config.home, "control.db");
  const { secretKey } = config;
  const parts = await openParts({ path, nodeId, clock: Date.now, scrypt, secretKey });
  const { control, catalog } = parts;
  openings.add(() => control.close());
  const drops = openDropsFile(slot.folder);
  openings.add(() => drops.close());
  const recorder = new Recorder({ journal, modes: config.audit.modes, profile: config.profile, drops });
  openings.add(() => recorder.close());
  for (const { nodeId: predecessor, because } of ended)
    void recorder.system("node_succeeded", { predecessor, because });
  const spending = new Spending({ config, parts, recorder, slot, durable: journal.durable });
  openings.add(async () => {
    await recorder.close();
    await spending.accounts.close();
  });
  const outbox = new OutboxPump(control, recorder, journal.outboxId);
  openings.add(() => outbox.close());
  const delivery = await openDelivery(config, { slot, journal, recorder, parts, spending });
  // What the recorder writes last must still be shipped: the store's thread goes after the journal's.
  openings.add(async () => {
    const moved = outbox.close();
    await recorder.close();
    await moved;
    await delivery.caughtUp(SHIP_MS);
    await delivery.close();
  });
  const live = new LiveConfig({ config, parts, load: load ?? null });
  catalog.setFixed(config);
  parts.mcpServers.setFixed(config.mcp.servers);
  parts.policies.setFixed(config);
  live.follow({
    apply(now) {
      catalog.setFixed(now);
      parts.mcpServers.setFixed(now.mcp.servers);
      parts.policies.setFixed(now);
      spending.configure(now);
    },
  });
  const firstSecrets = await completeFirstStart(control, config.bootstrap, (change) =>
    keepOptions(change, live.effective),
  );
  await live.recordStart();
  const found = await catalog.addFound(config.found);
  // A journal that takes nothing just now is no reason not to start: the entries wait where they are.
  await withDeadline(
    outbox.pump().catch(() => {}),
    PUMP_MS,
    undefined,
  );
  return serve(config, openings, {
    slot,
    anchoring,
    limits,
    parts,
    recorder,
    spending,
    outbox,
    delivery,
    journal,
    firstSecrets,
    found,
    live,
  });
}

function openDelivery(
  config: Config,
  {
    slot,
    journal,
    recorder,
    parts,
    spending,
  }: Pick<Core, "slot" | "journal" | "recorder" | "parts" | "spending">,
): Promise<Delivery> {
  const { keepBytes, keepMs } = keptSegments(config);
  return Delivery.open({
    address: config.store,
    slot,
    durable: journal.durable,
    charges: () => parts.charges.read(),
    // Segments go when the store has them durably and what they have charged is copied.
    onDurableSeq: async (seq) => {
      const copiedSeq = await spending.accounts.keep();
      journal.retire(Math.min(seq, copiedSeq), keepBytes, Date.now() - keepMs);
    },
    onLost: (lost) => tellLoss(recorder, slot.nodeId, lost),
    onStopped: () => void recorder.system("node_forked", { node: slot.nodeId }),
  });
}

interface Core {
  readonly slot: Slot;
  readonly anchoring: Anchoring;
  readonly limits: JournalLimits;
  readonly parts: ControlParts;
  readonly recorder: Recorder;
  readonly spending: Spending;
  readonly outbox: OutboxPump;
  readonly delivery: Delivery;
  readonly journal: JournalClient;
  readonly firstSecrets: Server["firstSecrets"];
  readonly found: Server["found"];
  readonly live: LiveConfig;
}

async function serve(config: Config, openings: Openings, core: Core): Promise<Server> {
  const { slot, anchoring, limits, firstSecrets, found } = core;
  const { parts, recorder, spending, outbox, delivery, journal, live } = core;
  const { control, keys, catalog } = parts;
  const reader = await openReader(config.store);
  openings.add(() => reader.close());
  await spending.start(reader);
  const feed = new Feed({ address: config.store });
  openings.add(() => feed.close());
  delivery.onShipped(() => feed.wake());
  const adoption = new Adoption({
    home: config.home,
    own: slot,
    address: config.store,
    limits,
    modes: config.audit.modes,
    outbox: control,
    positions: () => reader.positions(),
    charges: () => parts.charges.read(),
    onShipped: () => feed.wake(),
    onLost: (nodeId, lost) => tellLoss(recorder, nodeId, lost),
  });
  openings.add(() => adoption.close());
  const table = await ProviderTable.open({ catalog, proxy: config.proxy, report });
  openings.add(() => table.close());
  const upstreams = createUpstreams(table, catalog);
  const mcpServers = openMcpTable({ kept: parts.mcpServers, proxy: config.proxy, report });
  openings.add(() => mcpServers.close());
  const address = live.derived(({ trustedProxies }) => clientAddress(trustedProxies));
  const security = live.derived(({ trustedProxies }) => clientSecurity(trustedProxies));
  const clientIp = (request: IncomingMessage) => address()(request);
  const refusals = new Refusals({ recorder });
  openings.add(() => refusals.close());
  const overhead = createOverhead();
  const gateway = new Gateway({
    recorder,
    onForwarded: overhead.add,
    refusals,
    routes: table.routes,
    clientIp,
    authenticateKey: (presented) => keys.check(presented),
    rulings: { decide: (question, spent) => parts.policies.current.decide(question, spent) },
    admission: spending.admission,
    profile: config.profile,
    mcp: {
      servers: mcpServers,
      book: new CallBook(),
      rounds: new Rounds(),
      streams: new OpenStreams(),
      get maxStreams() {
        return live.config.mcp.maxStreamsPerKey;
      },
      get audit() {
        const { config } = live;
        return { ...config.audit.mcp, lists: config.mcp.auditLists };
      },
    },
    get maxBodyBytes() {
      return live.config.limits.maxBodyBytes;
    },
    get timeoutsMs() {
      return live.config.timeoutsMs;
    },
    get userAgent() {
      return live.config.audit.userAgent;
    },
  });
  const exporting = await openExporting(openings, {
    store: config.store,
    config: () => live.config,
    slot,
    reader,
    recorder,
    schedules: parts.schedules,
  });
  const metrics = createMetrics({
    home: config.home,
    recorder,
    delivery,
    journal,
    anchoring,
    activeRequests: () => gateway.active,
    exporter: exporting.api.exporter,
    schedules: exporting.runner,
    retention: {
      get failures() {
        return upkeep.retention.failures;
      },
    },
    overhead,
    now: Date.now,
  });
  const ingest = new Ingest(config.store);
  openings.add(() => ingest.close());
  const dashboard = new Dashboard();
  const api = createApi({
    ...parts,
    version: daybookVersion(),
    refusals,
    reader,
    feed,
    upstreams,
    mcp: { of: (name) => mcpServers.find(name) },
    reload: (actor) => live.reload(actor),
    recorder,
    evidence: {
      seals: () => reader.seals(),
      proof: (eventId) => proofOf(reader, eventId),
      anchors: () => anchoring.statuses,
    },
    ingest,
    ...exporting.api,
    balance: async (userId) => spending.ledger.balance(userId),
    standing: async (type, id) => spending.standing(type, id),
    kept: config.audit,
    missingPage: (url) => dashboard.missing(url),
    metricsText: () => metrics.metrics(),
    ready: () => readiness({ ...core, reader, control, schedules: exporting.runner }),
    now: Date.now,
    clientIp,
    isSecure: (request) => security()(request),
    isLoopback,
    report,
  });
  await api.ready();
  openings.add(() => api.close());
  const certificate = certificateFor(live);
  openings.add(() => certificate?.close());
  const handler = handlerOf(api);
  const listener = await openListener({
    gateway,
    dashboard,
    api: handler,
    upgrades: upgradesOf(handler),
    ...config.listen,
    certificate,
  });
  openings.add(() => listener.closeNow());
  const { jobs } = exporting.api;
  const { accounts } = spending;
  const upkeep = openUpkeep(openings, config, { ...core, reader, accounts, jobs, adoption });
  adoption.start();
  anchoring.start();
  exporting.runner.start();
  upkeep.start();
  return {
    url: listener.url,
    nodeId: journal.nodeId,
    firstSecrets,
    found,
    simulated: table.simulated,
    exampleModel: catalog.served.routes.find(({ model }) => !model.includes("*"))?.model ?? null,
    recorder,
    outbox,
    delivery,
    adoption,
    retention: upkeep.retention,
    reload: () => reloadBySignal(live, recorder),
    close: closer(openings, { listener, gateway, feed }),
    cut: () => gateway.cut(),
  };
}

function handlerOf(api: FastifyInstance) {
  return api.routing.bind(api);
}
