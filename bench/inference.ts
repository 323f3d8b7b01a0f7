// What the gateway tells the recorder of a chat request, in its own steps: the load of the benches that leave the
// gateway out.
import type { Facts, Kind } from "../src/event/fields.ts";
import { newRequestId, newTraceId } from "../src/event/ids.ts";
import { answered } from "../src/event/outcomes.ts";
import type { Handle } from "../src/recorder/handle.ts";
import type { Recorder } from "../src/recorder/recorder.ts";

export function inferenceFacts(): Facts & { kind: Kind; action: string } {
  return {
    kind: "inference",
    action: "chat",
    endpoint: "/v1/chat/completions",
    method: "POST",
    requestId: newRequestId(),
    traceId: newTraceId(),
    clientIp: "127.0.0.1",
    caller: "http",
  };
}

/** What is known before anything goes upstream. */
export function beginInference(recorder: Pick<Recorder, "begin">): Handle {
  const handle = recorder.begin(inferenceFacts());
  handle.note({ apiKeyId: "key_01890a5d", userId: "user_01890a5d" });
  handle.note({ model: "gpt-4o-mini", streaming: false, route: "gpt-4o-mini" });
  return handle;
}

/** What the answer tells. */
export function finishInference(handle: Handle): void {
  handle.note({ provider: "upstream", backendType: "openai" });
  handle.note({ upstreamRequestId: "req_upstream_0123456789" });
  handle.note({
    upstreamModel: "gpt-4o-mini-2024-07-18",
    finishReason: "stop",
    promptTokens: 24,
    completionTokens: 48,
    totalTokens: 72,
    cachedTokens: 0,
  });
  handle.note({ requestSize: 512, responseSize: 1410 });
  handle.finish(answered(200));
}
