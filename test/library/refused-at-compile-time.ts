// What does not compile, and what does: each line marked so must be an error (content.test.ts runs the compiler).
import type { DaybookRecorder, EventHandle, Metadata, WorkFacts } from "../../src/library/index.ts";

declare const recorder: DaybookRecorder;
declare const event: EventHandle;
const api = { kind: "api", action: "request" } as const;

export const welcome: Metadata = {
  region: "eu",
  prompt_tokens: 3,
  content_type: "json",
  input_size: 2,
  messageCount: 1,
};
recorder.begin({ ...api, userId: "ann", metadata: welcome, resourceUsage: { rows: 3 } });

// @ts-expect-error content, by its whole name
event.note({ metadata: { prompt: "text" } });
// @ts-expect-error by its last word, in snake case
event.note({ metadata: { system_prompt: "text" } });
// @ts-expect-error in camel case
event.note({ metadata: { rawOutput: "text" } });
// @ts-expect-error in kebab case
event.note({ metadata: { "last-message": "text" } });
// @ts-expect-error not flat
event.note({ metadata: { about: { deep: 1 } } });
// @ts-expect-error an event has no place for it
event.note({ messages: ["text"] });
// @ts-expect-error only Daybook gives it
event.note({ inputJson: { city: "Bern" } });
// @ts-expect-error only Daybook speaks of itself
export const system: WorkFacts = { kind: "system", action: "gap" };
// @ts-expect-error an outcome comes whole, from answered, failed and failedAsSent
event.note({ errorMessage: "text" });
