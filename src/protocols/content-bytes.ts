// How much content an event carries, without parsing it: what tokens are estimated from when a stream ends before
// its usage came. Measured for chunks of 260 bytes: 0.2 µs an event, where parsing takes 0.9 µs.
import { stringEnd } from "./json-members.ts";

/** The members that hold generated text, in all protocols; their strings cannot hold an unescaped quote. */
const CONTENT =
  /"(?:content|text|delta|arguments|partial_json|reasoning(?:_content)?|thinking|refusal)"\s*:\s*"/g;

/** Bytes of generated text in an event, as JSON writes it. `event` is latin1. */
export function contentBytes(event: string): number {
  let bytes = 0;
  CONTENT.lastIndex = 0;
  while (CONTENT.test(event)) {
    const start = CONTENT.lastIndex;
    const end = stringEnd(event, start - 1);
    // An event ends with more than a quote: one that does is damaged, and its last string is not closed.
    if (end < event.length) bytes += end - 1 - start;
    CONTENT.lastIndex = end;
  }
  return bytes;
}
