// Events of other processes: services with the library, other Daybooks, programs in any language. They come as a
// node's log, in order, with what proves it; what is acknowledged is durable. A node is its key's alone.
import * as z from "zod";
import { DaybookError } from "../../event/errors.ts";
import { headOf, MAX_INGEST_BYTES } from "../../stores/ingest-lines.ts";
import { REQUEST } from "../audit.ts";
import { Refusal } from "../problem.ts";
import { type Call, holderOf, type Route, route } from "../route.ts";

const POSITION = z.object({
  seq: z.number().int(),
  root: z.string().describe("Merkle root of the events up to it."),
});
const NODE = POSITION.extend({
  node_id: z.string(),
  sealed_size: z.number().int().describe("Events under its newest checkpoint."),
});
const APPENDED = z.object({
  result: z.enum(["appended", "conflict"]),
  at: POSITION.nullable().describe("Where the node is now; null: nothing of it is known."),
});

const OF_KEYS = { access: ["ingest"], audit: REQUEST, isQuiet: true } as const;
const LINES = { acts: true, linesBytes: MAX_INGEST_BYTES } as const;

export const INGEST_ROUTES: readonly Route[] = [
  route({
    ...OF_KEYS,
    ...LINES,
    method: "POST",
    path: "/ingest/events",
    answers: APPENDED,
    about:
      "Events of a node, as NDJSON (docs/guides/ingest.md). Acknowledged when they are durable; the same batch again changes nothing. " +
      "`conflict`: the node is not at `from`; go on from `at`.",
    answer: async (call) => {
      const { ingest, feed } = call.parts;
      // Nobody else's balance is this key's to spend.
      const { result, at } = await ingest.append(await admitted(call, "events"), holderOf(call).userId);
      feed.wake();
      return { result, at: at && { seq: at.seq, root: at.root } };
    },
  }),
  route({
    ...OF_KEYS,
    ...LINES,
    method: "POST",
    path: "/ingest/seals",
    about: "Tiles, a checkpoint and public keys of a node's log, as NDJSON (docs/guides/ingest.md).",
    answer: async (call) => {
      await call.parts.ingest.seal(await admitted(call, "seal"));
    },
  }),
  route({
    ...OF_KEYS,
    method: "GET",
    path: "/ingest/nodes",
    answers: z.array(NODE),
    about: "The nodes of this key, and how far each is.",
    answer: async (call) => {
      const owner = ownerOf(call);
      if (owner === null) return [];
      const nodes = await call.parts.ingest.nodes();
      const own = nodes.filter(({ nodeId }) => call.parts.ingestNodes.ownerOf(nodeId) === owner);
      return own.map(({ nodeId, seq, root, sealedSize }) => ({
        node_id: nodeId,
        seq,
        root,
        sealed_size: sealedSize,
      }));
    },
  }),
];

/** Whose the nodes of this key are; null: nobody's who could be told again. */
function ownerOf(call: Call): string | null {
  const { userId, tokenId } = holderOf(call);
  return tokenId === null ? null : (userId ?? tokenId);
}

/** The body, once it is certain that the node is the caller's; a node that is new becomes it. Throws 403. */
async function admitted(call: Call, is: "events" | "seal") {
  const bytes = bytesOf(call.request.body);
  const head = headOf(bytes);
  const { nodeId } = head;
  if (head.is !== is) throw new DaybookError("bad_event", `this is where ${is} are handed in`);
  const { ingest, ingestNodes } = call.parts;
  const owner = ownerOf(call);
  if (owner === null)
    throw new Refusal("forbidden", { detail: "Events are handed in with a token.", errorType: "no_token" });
  const known = ingestNodes.ownerOf(nodeId);
  if (known === owner) return bytes;
  const isFree = known === null && is === "events";
  if (!isFree || (await ingest.nodes()).some((node) => node.nodeId === nodeId)) {
    const detail = "This node is not one of this key's.";
    throw new Refusal("forbidden", {
      detail,
      errorType: "node",
      facts: { entityType: "ingest_node", entityId: nodeId },
    });
  }
  await ingestNodes.claim(call.actor, nodeId, owner);
  return bytes;
}

/** In memory of its own, which can be handed to another thread. */
function bytesOf(body: unknown): Uint8Array<ArrayBuffer> {
  if (!(body instanceof Uint8Array)) throw new DaybookError("bad_event", "there is nothing");
  return body.byteLength === body.buffer.byteLength && body.buffer instanceof ArrayBuffer
    ? new Uint8Array(body.buffer)
    : Uint8Array.from(body);
}
