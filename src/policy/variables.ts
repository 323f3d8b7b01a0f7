// What conditions can ask for: names and types of CEL's variables, and their values of one question.
import type { Meter } from "./meter.ts";
import type { Question } from "./question.ts";

interface Variable {
  readonly type: "string" | "int" | "bool" | "map<string, dyn>";
  readonly about: string;
}

// biome-ignore format: one variable, one line
export const VARIABLES = {
  kind: { type: "string", about: "`inference` or `mcp`." },
  action: { type: "string", about: "`chat`, `message`, `embedding`, `tool`, `resource`, `prompt`, …" },
  caller: { type: "string", about: "The way in: `http` or `stdio`." },
  profile: { type: "string", about: "Configuration profile." },
  user: { type: "string", about: "Id of the user." },
  key: { type: "string", about: "Id of the API key." },
  request_size: { type: "int", about: "Bytes of the request's body." },
  model: { type: "string", about: "Of inference: the model as asked for." },
  route: { type: "string", about: "Of inference: public name or glob of the route." },
  max_tokens: { type: "int", about: "Of inference: the most tokens that the answer may have; 0 when the request sets no limit." },
  stream: { type: "bool", about: "Of inference: whether a stream was asked for." },
  tools: { type: "int", about: "Of inference: how many tools the model was offered." },
  server: { type: "string", about: "Of MCP: the server." },
  name: { type: "string", about: "Of MCP: tool, resource or prompt." },
  arguments: { type: "map<string, dyn>", about: "Of MCP: the call's arguments, as JSON has them; numbers are doubles." },
} as const satisfies Record<string, Variable>;

/** Each is worked out when it is asked for. What is not known of a request is an empty text, 0 or false. */
export class Values {
  readonly #question: Question;
  readonly #meter: Meter;
  #arguments: unknown;

  /** `meter` pays for the look at the arguments. */
  constructor(question: Question, meter: Meter) {
    this.#question = question;
    this.#meter = meter;
  }

  get kind() {
    return this.#question.kind;
  }
  get action() {
    return this.#question.action;
  }
  get caller() {
    return this.#question.caller;
  }
  get profile() {
    return this.#question.profile ?? "";
  }
  get user() {
    return this.#question.userId ?? "";
  }
  get key() {
    return this.#question.apiKeyId ?? "";
  }
  get request_size() {
    return BigInt(this.#question.requestSize);
  }
  get model() {
    return this.#question.model ?? "";
  }
  get route() {
    return this.#question.route ?? "";
  }
  get max_tokens() {
    return BigInt(this.#question.maxTokens ?? 0);
  }
  get stream() {
    return this.#question.streaming;
  }
  get tools() {
    return BigInt(this.#question.toolCount);
  }
  get server() {
    return this.#question.server ?? "";
  }
  get name() {
    return this.#question.name ?? "";
  }
  /** What is no object has no members to ask for. */
  get arguments() {
    this.#arguments ??= this.#meter.seen(this.#question.arguments);
    return this.#arguments instanceof Map ? this.#arguments : new Map();
  }
}
