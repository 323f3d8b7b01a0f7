// A server of MCP's stdio transport that does what a tool's name says: `exit:7`, `kill`, `hang`, `fail`, `big`; others echo.
import { createInterface } from "node:readline";

const answer = (id, result) => process.stdout.write(`${JSON.stringify({ jsonrpc: "2.0", id, result })}\n`);

process.on("SIGTERM", () => {
  process.stderr.write("terminated\n");
  process.exit(9);
});
createInterface({ input: process.stdin }).on("line", (line) => {
  if (line === "") return;
  const { id, method, params = {} } = JSON.parse(line);
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
});
