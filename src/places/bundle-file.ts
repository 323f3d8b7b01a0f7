// A file of an export: a bundle, or the proof of one event.
import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";

/** The file's lines, without keeping them. */
export function linesOf(path: string): AsyncIterable<string> {
  return createInterface({ input: createReadStream(path), crlfDelay: Number.POSITIVE_INFINITY });
}

/** The first line, or as much of it as says what the file is. */
export async function headOf(path: string): Promise<string> {
  for await (const chunk of createReadStream(path, { end: 4095 })) return String(chunk);
  return "";
}
