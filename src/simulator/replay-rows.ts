// Reads recorded traffic: CSV with the header `TIMESTAMP,ContextTokens,GeneratedTokens`, as the Azure LLM
// inference traces have it. LF or CRLF, with or without a last newline. One bad row refuses the whole file.

export interface ReplayRow {
  /** UTC milliseconds since 1970. */
  readonly timestamp: number;
  readonly contextTokens: number;
  readonly generatedTokens: number;
}

const HEADER = "TIMESTAMP,ContextTokens,GeneratedTokens";
const ROW = /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?,(\d{1,9}),(\d{1,9})$/;
/** Sixteen times the largest context that is sold today; a prompt of 64 MiB. */
const MAX_TOKENS = 16 * 1024 * 1024;

/** A file that is not such a CSV; the message names the line, and repeats nothing of it. */
export class ReplayRowError extends Error {
  /** From 1; the header is line 1. */
  readonly line: number;

  constructor(line: number, problem: string) {
    super(`Line ${line}: ${problem}`);
    this.name = "ReplayRowError";
    this.line = line;
  }
}

/** Parses the whole text; throws a ReplayRowError for the first line that does not fit. */
export function parseReplayRows(text: string): ReplayRow[] {
  const lines = text.replace(/^\uFEFF/, "").split(/\r?\n/);
  if (lines.at(-1) === "") lines.pop();
  if (lines[0] !== HEADER) throw new ReplayRowError(1, `the header must be ${HEADER}.`);
  if (lines.length === 1) throw new ReplayRowError(2, "there are no rows.");
  return lines.slice(1).map((line, index) => parseRow(line, index + 2));
}

function parseRow(line: string, number: number): ReplayRow {
  const match = ROW.exec(line);
  if (!match) throw new ReplayRowError(number, "expected a row such as 2023-11-16 18:15:46.6805900,374,44.");
  const [, date, time, fraction = "", context, generated] = match;
  const timestamp = Date.parse(`${date}T${time}.${fraction.padEnd(3, "0").slice(0, 3)}Z`);
  // Date.parse moves 30 February into March: only what reads back the same is a date.
  if (Number.isNaN(timestamp) || new Date(timestamp).toISOString().slice(0, 19) !== `${date}T${time}`) {
    throw new ReplayRowError(number, "there is no such date or time.");
  }
  const contextTokens = Number(context);
  const generatedTokens = Number(generated);
  if (contextTokens > MAX_TOKENS || generatedTokens > MAX_TOKENS) {
    throw new ReplayRowError(number, `a row has at most ${MAX_TOKENS} tokens of each.`);
  }
  return { timestamp, contextTokens, generatedTokens };
}
