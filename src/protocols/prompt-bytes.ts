// How much of a request body its prompt's tokens are estimated from, where nobody counts them: all of it, but for
// embedded media. A picture is a million letters of base64, and about a thousand tokens at the large providers.

const QUOTE = 0x22;
/** What a longer run of base64 counts as. */
const MEDIA_BYTES = 4096;
const SAMPLE_BYTES = 64;
const SAMPLE = /^[A-Za-z0-9+/_=-]+$/;

/** Looks at samples only, so that it costs nothing beside the parsing of the body. */
export function promptBytes(body: Buffer): number {
  let bytes = body.length;
  for (let at = MEDIA_BYTES; at + SAMPLE_BYTES <= body.length; at += MEDIA_BYTES) {
    if (!isSample(body, at)) continue;
    const start = body.lastIndexOf(QUOTE, at) + 1;
    const found = body.indexOf(QUOTE, at);
    const end = found === -1 ? body.length : found;
    const length = end - start;
    if (length > MEDIA_BYTES && isSample(body, end - SAMPLE_BYTES)) bytes -= length - MEDIA_BYTES;
    at = Math.max(at, end);
  }
  return bytes;
}

function isSample(body: Buffer, at: number): boolean {
  return SAMPLE.test(body.toString("latin1", at, at + SAMPLE_BYTES));
}
