// What the library's own wrappers are let do with a recorder, and services are not: facts of the gateway's own rooms go
// past the gate that keeps content out, because those rooms have redacted them.
import type { Recorder } from "../recorder/recorder.ts";
import type { ArgumentRules } from "./annotations.ts";
import type { DaybookRecorder } from "./library-recorder.ts";

/** Not exported by index.ts. */
export const CORE: unique symbol = Symbol("core");

export interface CoreRecorder {
  readonly core: Recorder;
  readonly rules: ArgumentRules;
  readonly caller: string;
}

export function coreOf(recorder: DaybookRecorder): CoreRecorder {
  return recorder[CORE];
}
