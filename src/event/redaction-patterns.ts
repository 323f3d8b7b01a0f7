// Secrets that show themselves by their form, anywhere in a string. Linear in the string by construction: each
// pattern is a literal or bounded head followed by at most one unbounded run of a character class that nothing
// has to follow. A head that does not match costs a constant; a run that was read is part of the match and is
// never read again.
import { Buffer } from "node:buffer";

/** What stands in the place of every redacted value. */
export const REDACTED = "[REDACTED]";

/** A text and how many values were redacted in it. */
export interface RedactedText {
  readonly text: string;
  readonly redactions: number;
}

/** Where a word may start; `_` ends a word too. */
const START = "(?<![A-Za-z0-9])";

/** Secrets with a telling head: [head, characters of the rest, least number of them]. */
const HEADS: readonly (readonly [head: string, rest: string, least: number])[] = [
  [`${START}sk-`, "\\w-", 6], // OpenAI, Anthropic, OpenRouter and whoever followed them
  ["sk-", "A-Za-z0-9", 20],
  [`${START}sess-`, "\\w-", 16],
  ["dbk_", "\\w-", 6], // Daybook: API keys and admin tokens (`dbt_` alone is also a data tool's prefix)
  ["dbt_(?=[a-z_-]{0,15}[A-Z0-9])", "\\w-", 16],
  [`${START}(?:[a-z]{2,12}_)?s(?:k|ess)_`, "\\w-", 6], // keys and sessions of other gateways
  ["[rs]k_(?:live|test)_", "A-Za-z0-9", 6], // Stripe
  ["whsec_", "A-Za-z0-9+/=", 6],
  ["gh[oprsu]_", "A-Za-z0-9", 6], // GitHub
  ["github_pat_", "\\w", 6],
  ["gl(?:pat|oas|dt|rt|cbt|ptt|ft|imt|agent|soat)-", "\\w.-", 6], // GitLab
  ["xox[a-z]-", "\\w-", 6], // Slack
  ["xapp-", "\\w-", 8],
  ["hooks\\.slack\\.com/[a-z]{1,16}/", "\\w/-", 6],
  ["discord(?:app)?\\.com/api/webhooks/", "\\w/-", 6],
  ["AIza", "\\w-", 16], // Google
  ["ya29\\.", "\\w.-", 8],
  ["GOCSPX-", "\\w-", 6],
  ["1//0", "\\w-", 20],
  ["(?:AKIA|ASIA|ABIA|ACCA|AIDA|AROA|AGPA|AIPA|ANPA|ANVA|APKA)", "A-Z0-9", 16], // AWS
  ["npm_", "A-Za-z0-9", 16],
  ["pypi-", "\\w-", 16],
  ["dckr_pat_", "\\w-", 6],
  [`${START}hf_`, "A-Za-z0-9", 16], // Hugging Face
  [`${START}gsk_`, "A-Za-z0-9", 16], // Groq
  [`${START}xai-`, "\\w-", 16],
  [`${START}pplx-`, "\\w-", 16],
  [`${START}r8_`, "A-Za-z0-9", 16], // Replicate
  [`${START}tvly-`, "\\w-", 8],
  ["hv[bsr]\\.", "\\w-", 16], // Vault
  ["do[opr]_v1_", "a-f0-9", 16], // DigitalOcean
  ["dapi", "a-f0-9", 32], // Databricks
  ["shp(?:at|ca|pa|ss)_", "A-Fa-f0-9", 16], // Shopify
  ["lin_api_", "A-Za-z0-9", 16],
  [`${START}ntn_`, "A-Za-z0-9", 16], // Notion
  ["secret_", "A-Za-z0-9", 32],
  ["PMAK-", "a-f0-9-", 16], // Postman
  ["glsa_", "\\w", 16], // Grafana
  ["sntry[su]_", "\\w+/=", 16],
  ["ATATT3", "\\w=-", 16], // Atlassian
  ["sq0[a-z]{3}-", "\\w-", 16], // Square
  ["SG\\.[\\w-]{16,64}\\.", "\\w-", 16], // SendGrid
  [`${START}key-`, "a-f0-9", 32], // Mailgun
  [`${START}SK`, "a-f0-9", 32], // Twilio
  ["AGE-SECRET-KEY-1", "A-Z0-9", 16],
  [`${START}[0-9]{8,10}:AA`, "\\w-", 30], // Telegram
  ["LS0tLS1CRUdJTi", "A-Za-z0-9+/=", 0], // base64 of a PEM block's first line
  ["MII(?=[A-Za-z0-9+/]{60})", "A-Za-z0-9+/=", 60], // DER in base64, a PEM block without its frame
  ["(?<![A-Za-z0-9+/])[A-Za-z0-9+/]{86}(?===)", "=", 2], // 64 bytes in base64: Azure account keys
  ["eyJ", "\\w+/=-", 8], // JWT, and any other JSON object in base64
];

/** The dots of a JWT; optional, so that it cannot fail after the run before it. */
const JWT_PARTS = "(?:\\.[\\w=-]*){0,4}";

const TELLING = new RegExp(
  HEADS.map(([head, rest, least]) => `${head}[${rest}]{${least},}${head === "eyJ" ? JWT_PARTS : ""}`).join(
    "|",
  ),
  "g",
);

/** Where heads and their rests can be: most text has no such runs, which is three times faster than to look everywhere. */
const RUNS = /[\w.+/=:-]{9,}/g;

/** A scheme word, then everything up to a boundary; a few words of prose are let be. */
const BEARER =
  /(?<![A-Za-z0-9])(bearer(?:[ \t\u00a0]{1,8}|%20|\+)["'`]?)(?![=:]|\[REDACTED\](?:[\s"'`,;\\]|$)|(?:bearer|tokens?|auth|authentication|authorization|of|and|or|is|in|the|with|from|for|to|as|headers?|scheme)[:.)]{0,3}(?:[\s"'`,;\\]|$))[^\s"'`,;\\]+/gi;
const BASIC = /(?<![A-Za-z0-9])(basic(?:[ \t\u00a0]{1,8}|%20|\+)["'`]?)([A-Za-z0-9+/_-]{6,}={0,2})/gi;

/** 40 characters of base64 alone: an AWS secret key, unless it is hexadecimal or words. */
const FORTY = /(?<![A-Za-z0-9/+])[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+])/g;

const SSN = /(?<!\d)(?!000|666|9\d\d)\d{3}([-\s\u2010-\u2015])(?!00)\d{2}\1(?!0000)\d{4}(?!\d)/g;

/** Digits and separators; what is in the run is looked at in `redactCards`. */
const DIGITS = /\d[-\d\s._/\u2010-\u2015]{12,}/g;

/** Redacts what shows itself by its form; the rest of the string stays. One pass: see `settle`. */
export function redactPatterns(text: string): RedactedText {
  if (text.length < 7) return { text, redactions: 0 };
  let redactions = 0;
  const redacted = () => {
    redactions++;
    return REDACTED;
  };
  let out = redactPem(text, redacted)
    .replace(BEARER, (_, scheme: string) => scheme + redacted())
    .replace(BASIC, (all, scheme: string, token: string) => (isBasicToken(token) ? scheme + redacted() : all))
    .replace(RUNS, (run) => {
      const rest = run.replace(TELLING, redacted);
      return rest.length < 40 ? rest : rest.replace(FORTY, (forty) => (isMixed(forty) ? redacted() : forty));
    });
  if (/\d/.test(out)) {
    out = out.replace(SSN, redacted).replace(DIGITS, (run) => redactCards(run, redacted));
  }
  return { text: out, redactions };
}

/** PEM blocks (RFC 7468) and their SSH2 kin, to the end of the text when the END line is missing. */
function redactPem(text: string, redacted: () => string): string {
  let out = "";
  let from = 0;
  const begin = /-{4,5} ?BEGIN [A-Z]/g;
  const end = /-{4,5} ?END [A-Z0-9 ]{0,64}-{0,5}/g;
  for (;;) {
    begin.lastIndex = from;
    const start = begin.exec(text);
    if (start === null) return out + text.slice(from);
    out += text.slice(from, start.index) + redacted();
    end.lastIndex = start.index;
    if (end.exec(text) === null) return out;
    from = end.lastIndex;
  }
}

/** `user:password` in base64 (RFC 7617), or at least no word of prose. */
function isBasicToken(token: string): boolean {
  if (/[\d=+]/.test(token) || token.length >= 24) return true;
  return Buffer.from(token, "base64").includes(":");
}

/** Whether `run` has capitals, small letters and digits, as 40 random characters have; a SHA-1 has not. */
function isMixed(run: string): boolean {
  return /[A-Z]/.test(run) && /[a-z]/.test(run) && /\d/.test(run);
}

interface DigitGroup {
  readonly digits: string;
  readonly start: number;
  readonly end: number;
}

/** Replaces the card numbers in a run of digit groups: whole groups of three digits and more, the first of four. */
function redactCards(run: string, redacted: () => string): string {
  const groups: DigitGroup[] = Array.from(run.matchAll(/\d+/g), ({ 0: digits, index }) => ({
    digits,
    start: index,
    end: index + digits.length,
  }));
  let out = "";
  let from = 0;
  for (let first = 0; first < groups.length; first++) {
    const last = cardFrom(groups, first);
    const start = groups[first]?.start ?? 0;
    // The fraction of a number is no card number.
    if (last < first || (first === last && /\d\.$/.test(run.slice(Math.max(0, start - 2), start)))) continue;
    out += run.slice(from, start) + redacted();
    from = groups[last]?.end ?? run.length;
    first = last;
  }
  return out + run.slice(from);
}

/** The last group of the card number that starts with group `first`; -1: none. Reads at most 19 digits. */
function cardFrom(groups: readonly DigitGroup[], first: number): number {
  let digits = "";
  let found = -1;
  for (let at = first; at < groups.length; at++) {
    const group = groups[at];
    if (group === undefined || group.digits.length < (at === first ? 4 : 3)) break;
    if (at > first && group.start !== (groups[at - 1]?.end ?? 0) + 1) break;
    if (digits.length + group.digits.length > 19) break;
    digits += group.digits;
    if (isCardNumber(digits)) found = at;
  }
  return found;
}

/** Prefixes and lengths by issuer (ISO/IEC 7812): Visa, Mastercard, Amex, Diners, JCB; the others from 13 to 19. */
const ISSUED =
  /^(?:4(?:\d{12}|\d{15}|\d{18})|(?:5[1-5]\d\d|222[1-9]|22[3-9]\d|2[3-6]\d\d|27[01]\d|2720)\d{12}|3[47]\d{13}|3(?:0[0-5]|[689]\d)\d{11,16}|35\d{14,17}|(?:50|5[6-8]|6\d)\d{11,17})$/;

/** Whether `digits` are a card number: an issuer's prefix and length, and the Luhn check digit. */
export function isCardNumber(digits: string): boolean {
  if (!ISSUED.test(digits)) return false;
  let sum = 0;
  for (let at = 0; at < digits.length; at++) {
    const digit = digits.charCodeAt(digits.length - 1 - at) - 48;
    const weighed = at % 2 === 0 ? digit : digit * 2;
    sum += weighed > 9 ? weighed - 9 : weighed;
  }
  return sum % 10 === 0;
}
