// The journal's thread dies under a running server, before and after its commits.
import assert from "node:assert/strict";
import { test } from "node:test";
import { openSimulator } from "../../src/simulator/simulator.ts";
import { chat, startDaybook } from "../support/daybook.ts";

const journalWorker = new URL("../journal/dying-worker.ts", import.meta.url);

for (const mode of ["open", "strict"] as const) {
  test(`a journal thread that dies under load, ${mode}: what was answered or reached the provider has its event, once`, async (t) => {
    const reached: string[] = [];
    const upstream = await openSimulator({
      onRequest: ({ requestId }) => void reached.push(requestId ?? ""),
    });
    t.after(() => upstream.close());
    const daybook = await startDaybook(t, {
      journalWorker,
      yaml: `providers: [{ name: sim, backend_type: local, base_url: "${upstream.url}" }]
routes: [{ model: demo, providers: [{ provider: sim }] }]
audit: { modes: { inference: ${mode} } }
`,
    });
    const answers = new Map<string, { status: number; isWhole: boolean }>();
    const ask = async (name: string) => {
      const { status, text } = await chat(daybook.url, { headers: { "x-request-id": name } });
      answers.set(name, { status, isWhole: text !== null });
    };
    const worked = async () => {
      while (daybook.server.recorder.trouble !== null) await new Promise((resolve) => setImmediate(resolve));
    };
    for (const [round, poison] of ["poison-before", "mild", "poison-after", "mild-too"].entries()) {
      const names = Array.from({ length: 20 }, (_, n) => `r${round}-${n}`);
      await Promise.all([...names.slice(0, 10), poison, ...names.slice(10)].map(ask));
      await worked();
    }
    const metrics = await daybook.get("/metrics");
    assert.doesNotMatch(metrics.text, /^daybook_journal_restarts_total 0$/m);
    const events = await daybook.events("kind=inference");
    const counts = Map.groupBy(events, ({ request_id }) => request_id);
    const accountable = new Set([...reached, ...answers.keys()]);
    for (const name of accountable) assert.equal(counts.get(name)?.length, 1, name);
    for (const [name, { status, isWhole }] of answers) {
      const event = counts.get(name)?.[0];
      if (status === 200 && isWhole) assert.equal(event?.status, "success", name);
      // Strict, and not recorded in time: 503, or a reset when the head was gone.
      else assert.deepEqual([mode, isWhole ? status : 503], ["strict", 503], name);
    }
    const { begun, recorded } = daybook.server.recorder.counters.byKind.inference;
    assert.equal(begun, recorded);
  });
}
