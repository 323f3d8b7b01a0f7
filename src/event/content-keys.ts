// Which names look like prompt or response content: metadata refuses them. Whole words, as for secrets, so that
// `prompt_tokens`, `content_type` and `input_size` are welcome and `systemPrompt` and `raw_output` are not.
// What is decided is listed, name by name, in test/fixtures/redaction/.
import { splitWords } from "./redaction-names.ts";

const set = (words: string): ReadonlySet<string> => new Set(words.trim().split(/\s+/));

/** Content wherever they stand, unless the name ends with a word of `ABOUT`. */
export const CONTENT_WORDS = set(`
  prompt prompts message messages content contents completion completions instruction instructions transcript
  transcripts transcription utterance conversation conversations body payload snippet excerpt stdout stderr
  plaintext systemprompt userprompt userinput usermessage toolinput tooloutput tooldata requestbody responsebody`);

/** Content when the name ends with them, or goes on with a word of `RAW`: `input`, `input_text`, not `input_device`. */
export const CONTENT_NOUNS = set(`
  input inputs output outputs text texts response responses query queries question questions answer answers reply
  replies arguments args argument params parameters document documents chat history summary thought thoughts
  thinking reasoning choices delta embedding embeddings toolcalls stdin`);

/** Content only as the whole name: `file_system` and `system_region` are not. */
export const CONTENT_NAMES = set("system tool_calls tool_call tool_result tool_results");

const RAW = set(`
  raw full original text texts string json xml yaml html markdown md value values data body content preview excerpt
  snippet plain encoded base sanitized redacted masked en`);

/** A last word that makes the name one about content: a measure, an identifier, a kind, a time, a verdict. */
const ABOUT = set(`
  token tokens count counts size sizes length len bytes chars characters words lines limit max min total number num
  index position offset rate ratio cost price budget score rating rank percent
  id ids uuid key ref name type types kind format version revision language lang locale encoding charset
  hash sha digest checksum fingerprint etag signature
  time ms seconds duration latency at date timestamp ttl age
  code status state model provider source class category label tag tags role owner author topic channel
  policy filter filtered flagged moderation safety verdict cached cache streaming truncated redacted enabled
  path dir file url bucket device region bus broker queue builder method mode level
  modality modalities mime schema`);

/** Whether `name` looks like a key of prompt or response content. Linear in its length. */
export function isContentKey(name: string): boolean {
  const words = splitWords(name).filter((word, _, all) => all.length === 1 || !/^\p{N}/u.test(word));
  const joined = words.join("_");
  if (CONTENT_NAMES.has(joined) || CONTENT_WORDS.has(words.join(""))) return true;
  const last = words.at(-1) ?? "";
  if (ABOUT.has(last)) return false;
  if (words.some((word) => CONTENT_WORDS.has(word))) return true;
  for (let at = words.length - 1; at >= 0; at--) {
    const word = words[at] ?? "";
    if (CONTENT_NOUNS.has(word)) return true;
    if (!RAW.has(word)) return false;
  }
  return false;
}
