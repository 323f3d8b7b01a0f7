// A disk that is really full (a small tmpfs), under a running server.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { rmSync, statfsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { openSimulator } from "../../src/simulator/simulator.ts";
import { chat, startDaybook } from "../support/daybook.ts";
import { tempFolder } from "../support/temp.ts";

function mount(): string | null {
  const folder = tempFolder();
  return spawnSync("mount", ["-t", "tmpfs", "-o", "size=24m,mode=700", "tmpfs", folder]).status === 0
    ? folder
    : null;
}

/** Takes all the room that is left. */
function fill(folder: string): string {
  const path = join(folder, "ballast");
  for (let bytes = 0; ; ) {
    const { bavail, bsize } = statfsSync(folder);
    if (bavail === 0) return path;
    bytes += bavail * bsize;
    writeFileSync(path, Buffer.alloc(bytes));
  }
}

for (const mode of ["open", "strict"] as const) {
  test(`a full disk, ${mode}: ${mode === "open" ? "served on, and recorded when there is room" : "503 before anything goes upstream"}; it recovers by itself`, async (t) => {
    const disk = mount();
    if (disk === null) return t.skip("needs the right to mount a tmpfs");
    const elsewhere = tempFolder();
    const upstream = await openSimulator();
    t.after(() => upstream.close());
    const daybook = await startDaybook(t, {
      home: disk,
      yaml: `store: sqlite:${elsewhere}/events.db
providers: [{ name: sim, backend_type: local, base_url: "${upstream.url}" }]
routes: [{ model: demo, providers: [{ provider: sim }] }]
journal: { max_mb: 64, reserve_mb: 4 }
audit: { modes: { inference: ${mode} } }
`,
    });
    t.after(async () => {
      await daybook.server.close(0);
      spawnSync("umount", ["-l", disk]);
    });
    const ask = (name: string) => chat(daybook.url, { headers: { "x-request-id": name } });
    assert.equal((await ask("before")).status, 200);
    const ballast = fill(disk);
    // The journal meets the full disk with its next commit.
    await ask("meets it");
    while (daybook.server.recorder.trouble === null) await ask("meets it too");
    const reached = upstream.counts.requests;
    const during = await Promise.all(Array.from({ length: 20 }, (_, n) => ask(`during-${n}`)));
    assert.deepEqual(new Set(during.map(({ status }) => status)), new Set([mode === "open" ? 200 : 503]));
    assert.equal(upstream.counts.requests - reached, mode === "open" ? 20 : 0);
    const ready = await daybook.get("/readyz");
    assert.equal(ready.status, 503);
    rmSync(ballast);
    while (daybook.server.recorder.trouble !== null) await new Promise((resolve) => setImmediate(resolve));
    assert.equal((await ask("after")).status, 200);
    const events = await daybook.events("kind=inference");
    const count = (name: string) => events.filter(({ request_id }) => request_id === name).length;
    assert.deepEqual(
      [count("before"), count("after"), ...Array.from({ length: 20 }, (_, n) => count(`during-${n}`))],
      Array(22).fill(1),
    );
    const codes = new Set(
      events.filter(({ request_id }) => request_id.startsWith("during")).map(({ error_code }) => error_code),
    );
    assert.deepEqual(codes, new Set([mode === "open" ? null : "audit_unavailable"]));
    const { begun, recorded } = daybook.server.recorder.counters.byKind.inference;
    assert.equal(begun, recorded);
  });
}
