// A reload that nobody asked for through the API: SIGHUP. It leaves its event also when it changes nothing or fails.
import { DaybookError } from "../event/errors.ts";
import { answered, failed } from "../event/outcomes.ts";
import type { Recorder } from "../recorder/recorder.ts";
import type { LiveConfig, Reloaded } from "./live-config.ts";

const FACTS = {
  kind: "admin",
  action: "configuration_changed",
  entityType: "configuration",
  caller: "system",
} as const;

/** Rejects with what is wrong with the configuration; then nothing has changed. */
export async function reloadBySignal(live: LiveConfig, recorder: Recorder): Promise<Reloaded> {
  try {
    const reloaded = await live.reload({ caller: "system" });
    // A difference is an event already.
    if (reloaded.changed.length === 0) recorder.log({ ...FACTS, durationMs: 0 }, answered(null));
    return reloaded;
  } catch (error) {
    const isOurs = error instanceof DaybookError;
    const code = isOurs && error.code === "audit_unavailable" ? "audit_unavailable" : "invalid_configuration";
    recorder.log({ ...FACTS, durationMs: 0 }, failed(code, isOurs ? error.code : null));
    throw error;
  }
}
