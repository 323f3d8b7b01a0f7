// The compile-time half of a promise: metadata under a name of content does not compile. The other half, for names
// that are only known at run time, is event/content-keys.ts; every name refused here is refused there too.

/** Words that name prompt or response content. */
export type ContentWord =
  | "prompt"
  | "prompts"
  | "message"
  | "messages"
  | "content"
  | "contents"
  | "completion"
  | "completions"
  | "instruction"
  | "instructions"
  | "transcript"
  | "transcripts"
  | "conversation"
  | "body"
  | "payload"
  | "snippet"
  | "excerpt"
  | "stdout"
  | "stderr"
  | "stdin"
  | "input"
  | "inputs"
  | "output"
  | "outputs"
  | "text"
  | "texts"
  | "response"
  | "responses"
  | "query"
  | "question"
  | "answer"
  | "reply"
  | "arguments"
  | "args"
  | "params"
  | "parameters"
  | "document"
  | "documents"
  | "chat"
  | "history"
  | "summary"
  | "thinking"
  | "reasoning"
  | "choices"
  | "delta"
  | "embedding"
  | "embeddings";

/** Names that are such a word, or end with one: `prompt`, `system_prompt`, `systemPrompt`, `system-prompt`. */
type ContentName =
  | ContentWord
  | `${string}_${ContentWord}`
  | `${string}-${ContentWord}`
  | `${string}${Capitalize<ContentWord>}`;

/** Flat; what it holds identifies or describes, and is never what was said. */
export type Metadata = Readonly<Record<string, string | number | boolean | null>> & {
  readonly [Name in ContentName]?: never;
};
