import { readdirSync, readFileSync } from "node:fs";
import { askAll, openUpstream } from "./load/load.ts";
import { openDaybook, openPipe } from "./targets/targets.ts";
const mode = process.argv[2] ?? "open"; const secs = Number(process.argv[3] ?? 3); const conns=Number(process.argv[4]??32);
function threads(pid) { const m = new Map(); for (const t of readdirSync(`/proc/${pid}/task`)) { const comm = readFileSync(`/proc/${pid}/task/${t}/comm`,"utf8").trim(); const [a,,n]=readFileSync(`/proc/${pid}/task/${t}/schedstat`,"utf8").split(" "); const f=readFileSync(`/proc/${pid}/task/${t}/stat`,"utf8").replace(/^.*\) /s,"").split(" "); m.set(`${comm}:${t==pid?"main":t}`, [Number(a)/1000, Number(f[11]), Number(f[12]), readFileSync(`/proc/${pid}/task/${t}/status`,"utf8").match(/voluntary_ctxt_switches:\s*(\d+)/)[1]|0]); } return m; }
await using up = await openUpstream(50, 10);
await using d = mode === "pipe" ? await openPipe(up) : await openDaybook(up, mode);
await askAll(d.ask("json"), conns, 2); await d.settle();
for (let i=0;i<2;i++){
const a = threads(d.pids[0]); const r = await askAll(d.ask("json"), conns, secs); await d.settle(); const b = threads(d.pids[0]);
console.log(mode, Math.round(r.requests/r.seconds), "req/s p50", r.p50);
let tot=0; for (const [k,v] of b) { const o=a.get(k)??[0,0,0,0]; const us=(v[0]-o[0])/r.requests; tot+=us; if (us>0.5) console.log("  ",k.padEnd(24), us.toFixed(1), "µs/req  user", ((v[1]-o[1])*10000/r.requests).toFixed(1), "sys", ((v[2]-o[2])*10000/r.requests).toFixed(1), "ctxt/req", ((v[3]-o[3])/r.requests).toFixed(3)); }
console.log("   total", tot.toFixed(1));
}
