// What `import … from "daybook"` gives.
/** Errors that Daybook throws on purpose, with a `code`. */
export { DaybookError, type DaybookErrorCode } from "../event/errors.ts";
/** One line of the audit trail. */
export type { AuditEvent, Kind, Mode, Status } from "../event/fields.ts";
/** How something ended. */
export { answered, type ErrorCode, failed, failedAsSent, type Outcome } from "../event/outcomes.ts";
export type { Annotations, WorkFacts, WorkKind } from "./annotations.ts";
export type { Metadata } from "./content-names.ts";
/** The way in. */
export {
  type CreateRecorderOptions,
  createRecorder,
  type LocalOptions,
  type RemoteOptions,
} from "./create-recorder.ts";
export type { EventHandle } from "./event-handle.ts";
export type { DaybookRecorder, RecorderStatus } from "./library-recorder.ts";
