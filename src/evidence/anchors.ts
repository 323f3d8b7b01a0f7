// Anchor lines: what all logs were at some time, kept where whoever could change the logs cannot reach. One JSON object
// a line: `{"format":"daybook-anchor/1","at":<UTC ms>,"logs":[{"node_id","size","root"}, …]}`.
import type { Anchored } from "./log-check.ts";

export interface AnchorLine {
  readonly at: number;
  readonly logs: readonly (Anchored & { readonly nodeId: string })[];
}

export function writeAnchorLine({ at, logs }: AnchorLine): string {
  const named = logs.map(({ nodeId, size, root }) => ({ node_id: nodeId, size, root }));
  return JSON.stringify({ format: "daybook-anchor/1", at, logs: named });
}

/** Null when it is no anchor line. What stands before the first brace, such as a syslog header, is skipped. */
export function parseAnchorLine(line: string): AnchorLine | null {
  try {
    const found = JSON.parse(line.slice(line.indexOf("{"))) as Record<string, unknown>;
    if (found.format !== "daybook-anchor/1" || typeof found.at !== "number" || !Array.isArray(found.logs))
      return null;
    const logs = (found.logs as Record<string, unknown>[]).map(({ node_id: nodeId, size, root }) => ({
      nodeId,
      size,
      root,
    }));
    const isSound = logs.every(
      ({ nodeId, size, root }) =>
        typeof nodeId === "string" &&
        Number.isSafeInteger(size) &&
        typeof root === "string" &&
        /^[0-9a-f]{64}$/.test(root),
    );
    return isSound ? { at: found.at, logs: logs as AnchorLine["logs"][number][] } : null;
  } catch {
    return null;
  }
}

/** By node: every size that was anchored, once for each root that was said of it. */
export function anchorsIn(lines: Iterable<string>): {
  readonly byNode: Map<string, Anchored[]>;
  readonly bad: number;
} {
  const byNode = new Map<string, Map<string, Anchored>>();
  let bad = 0;
  for (const text of lines) {
    if (text.trim() === "") continue;
    const line = parseAnchorLine(text);
    if (line === null) bad++;
    for (const { nodeId, size, root } of line?.logs ?? []) {
      const known = byNode.get(nodeId) ?? new Map<string, Anchored>();
      known.set(`${size} ${root}`, { size, root });
      byNode.set(nodeId, known);
    }
  }
  return { byNode: new Map([...byNode].map(([nodeId, known]) => [nodeId, [...known.values()]])), bad };
}
