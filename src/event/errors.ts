// What Daybook refuses or fails at outside an audited request: one table, one error class. Outcomes of requests
// are in outcomes.ts. docs/reference/errors.md is written from both.

interface ErrorSpec {
  /** What happened; `{detail}` is replaced. */
  readonly message: string;
  /** What to do about it. */
  readonly remedy: string;
}

// biome-ignore format: one error, one line
export const ERRORS = {
  unknown_field: { message: "An event has no field {detail}.", remedy: "Use the names of docs/reference/events.md; outcomes go to finish()." },
  content_refused: { message: "Metadata may not have the key {detail}: it looks like content.", remedy: "Leave content out, or choose a name that says what the value measures." },
  bad_event: { message: "An event was handed in that cannot be taken: {detail}.", remedy: "docs/reference/events.md has what an event may say, docs/guides/ingest.md how others hand it in." },
  bad_option: { message: "createRecorder {detail}.", remedy: "CreateRecorderOptions has all options; docs/guides/library.md shows how they are used." },
  nested_metadata: { message: "Metadata {detail} is not a scalar.", remedy: "Metadata is flat: strings, integers, booleans." },
  already_finished: { message: "The event {detail} is finished already.", remedy: "Call finish() once." },
  recorder_closed: { message: "The recorder is closed.", remedy: "Record before closing it." },
  audit_unavailable: { message: "The event could not be made durable: {detail}.", remedy: "See /readyz and the log; the journal's disk may be full or slow." },
  bad_config: { message: "Cannot use the configuration {detail}", remedy: "Correct the file; docs/reference/configuration.md lists every option." },
  no_config: { message: "Cannot read the configuration file {detail}.", remedy: "Create it, or leave out --config and DAYBOOK_CONFIG." },
  port_in_use: { message: "Cannot listen on {detail}: the address is in use.", remedy: "Stop the other program, or set listen (DAYBOOK_LISTEN) to another port." },
  cannot_listen: { message: "Cannot listen on {detail}.", remedy: "Set listen (DAYBOOK_LISTEN) to an address of this machine." },
  public_without_tls: { message: "Refusing to listen on {detail}: it is reachable from other machines, without TLS.", remedy: "Listen on 127.0.0.1 behind a TLS proxy, or set allow_insecure_public: true." },
  folder_unusable: { message: "Cannot use the data folder {detail}.", remedy: "Make it writable for this user, or set DAYBOOK_HOME to another folder." },
  folder_in_use: { message: "The data folder is in use: {detail}.", remedy: "Stop the other Daybook, or set DAYBOOK_HOME to another folder." },
  newer_version: { message: "{detail} was written by a newer Daybook.", remedy: "Run that version or a later one; nothing was changed." },
  journal_corrupt: { message: "The journal is damaged: {detail}.", remedy: "Keep the folder as it is and run `daybook journal inspect`." },
  store_unusable: { message: "Cannot open the store {detail}.", remedy: "Create the folder, or set store (DAYBOOK_STORE)." },
  bad_query: { message: "{detail}", remedy: "docs/reference/api.md lists the parameters." },
  bad_cursor: { message: "The cursor is not one that Daybook gave out.", remedy: "Start again without cursor." },
  bad_tls: { message: "Cannot use the certificate: {detail}.", remedy: "Set tls.cert and tls.key to PEM files that belong together." },
  weak_secret: { message: "{detail} is too weak.", remedy: "Use at least 24 characters, made by a random generator." },
  weak_password: { message: "The password is too weak.", remedy: "Use at least 12 characters, not the same few over and over." },
  unknown_entity: { message: "There is no {detail}.", remedy: "List what there is." },
  conflict: { message: "{detail}", remedy: "Look at what there is now." },
  refused: { message: "{detail}", remedy: "`daybook log --include-system` shows the event of this." },
  overloaded: { message: "Daybook is busy {detail}.", remedy: "Try again in a moment." },
  secret_key: { message: "Cannot use the key for secrets: {detail}.", remedy: "Set DAYBOOK_SECRET_KEY, or put secret.key back, as it was when the secrets were stored." },
  remote_failed: { message: "The remote Daybook {detail}.", remedy: "Check --url and the token (DAYBOOK_TOKEN)." },
  remote_refused: { message: "The remote Daybook {detail}", remedy: "`daybook log --include-system` there shows the event of this." },
  bad_argument: { message: "{detail}", remedy: "Run the command with --help." },
  remote_store: { message: "The store is another Daybook, {detail}: it takes events, and is read there.", remedy: "Ask that Daybook, with --url." },
  backup_failed: { message: "No backup was made at {detail}.", remedy: "Remove what is there, and try again; into another folder if this one is full." },
  export_failed: { message: "The export could not be delivered to {detail}.", remedy: "Check the target in daybook.yaml (export_targets) and its place, then resume the job." },
  worker_failed: { message: "A worker stopped: {detail}.", remedy: "See the log; restart Daybook if it does not recover." },
} as const satisfies Record<string, ErrorSpec>;

export type DaybookErrorCode = keyof typeof ERRORS;

/** Every error that Daybook throws on purpose. `message` says what happened and what to do. */
export class DaybookError extends Error {
  override readonly name = "DaybookError";
  readonly code: DaybookErrorCode;
  readonly detail: string;

  constructor(code: DaybookErrorCode, detail = "", options?: ErrorOptions) {
    const { message, remedy } = ERRORS[code];
    super(`${message.replace("{detail}", () => detail)} ${remedy}`, options);
    this.code = code;
    this.detail = detail;
  }
}

/** The errno or SQLite name of a system error, for messages: never its text. */
export function nativeCode(error: unknown): string {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === "string" ? code : error instanceof Error ? error.name : "unknown";
}
