// A server of MCP's stdio transport that does what a tool's name says: `exit:7`, `kill`, `hang`, `fail`, `big`, `apart:1`;
// others echo. It knows batches; one with `apart` it answers one by one.
import { createInterface } from "node:readline";

const say = (message) => process.stdout.write(`${JSON.stringify(message)}\n`);

process.on("SIGTERM", () => {
  process.stderr.write("terminated\n");
  process.exit(9);
});
createInterface({ input: process.stdin }).on("line", (line) => {
  if (line === "") return;
  const said = JSON.parse(line);
  if (!Array.isArray(said)) return one(said, say);
  const answers = [];
  const apart = said.some(({ params }) => params?.name?.startsWith("apart:"));
  for (const each of said) one(each, apart ? say : (message) => answers.push(message));
  if (answers.length > 0) say(answers);
});

function one({ id, method, params = {} }, tell) {
  const answer = (to, result) => tell({ jsonrpc: "2.0", id: to, result });
  if (id === undefined) return;
  if (method !== "tools/call") return answer(id, {});
  const { name, arguments: given } = params;
  process.stderr.write(`called ${name}\n`);
  const [what, how] = name.split(":");
  if (what === "exit") process.exit(Number(how));
  if (what === "kill") process.kill(process.pid, "SIGKILL");
  if (what === "hang" || what === "kill") return;
  if (what === "big") return answer(id, { content: [{ type: "text", text: "x\n".repeat(1 << 20) }] });
  answer(id, { content: [{ type: "text", text: JSON.stringify(given ?? null) }], isError: what === "fail" });
}
