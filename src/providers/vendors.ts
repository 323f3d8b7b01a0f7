// Whose providers are known by name: where they answer, and in which wire formats. One that speaks a known protocol
// is one line here; one that is not here needs `base_url` and `protocols` of its own.

export const DIALECTS = ["openai", "anthropic"] as const;

/** Whose wire formats a provider speaks. */
export type Dialect = (typeof DIALECTS)[number];

export interface Vendor {
  readonly backendType: string;
  readonly protocols: readonly Dialect[];
  /** null: it differs for everybody. */
  readonly baseUrl: string | null;
  /** False: it refuses to be asked for a stream's usage, and tells it unasked. */
  readonly askUsage: boolean;
}

const vendor = (
  backendType: string,
  protocols: readonly Dialect[],
  baseUrl: string | null,
  { askUsage = true } = {},
): Vendor => ({ backendType, protocols, baseUrl, askUsage });

const OPENAI = ["openai"] as const;
const BOTH = ["openai", "anthropic"] as const;

/** By the `name` or the `backend_type` of a provider. */
export const VENDORS: ReadonlyMap<string, Vendor> = new Map([
  ["openai", vendor("openai", OPENAI, "https://api.openai.com")],
  ["anthropic", vendor("anthropic", ["anthropic"], "https://api.anthropic.com")],
  ["azure", vendor("azure", OPENAI, null)],
  ["cerebras", vendor("cerebras", OPENAI, "https://api.cerebras.ai")],
  ["deepseek", vendor("deepseek", OPENAI, "https://api.deepseek.com")],
  ["fireworks", vendor("fireworks", OPENAI, "https://api.fireworks.ai/inference")],
  ["gemini", vendor("gemini", OPENAI, "https://generativelanguage.googleapis.com/v1beta/openai")],
  ["groq", vendor("groq", OPENAI, "https://api.groq.com/openai")],
  ["mistral", vendor("mistral", OPENAI, "https://api.mistral.ai", { askUsage: false })],
  ["openrouter", vendor("openrouter", OPENAI, "https://openrouter.ai/api")],
  ["together", vendor("together", OPENAI, "https://api.together.xyz")],
  ["xai", vendor("xai", OPENAI, "https://api.x.ai")],
  ["local", vendor("local", OPENAI, null)],
  ["ollama", vendor("local", BOTH, "http://127.0.0.1:11434")],
  ["llama.cpp", vendor("local", BOTH, "http://127.0.0.1:8080")],
  ["llamacpp", vendor("local", BOTH, "http://127.0.0.1:8080")],
  ["vllm", vendor("local", BOTH, "http://127.0.0.1:8000")],
  ["lmstudio", vendor("local", BOTH, "http://127.0.0.1:1234")],
  ["mlx", vendor("local", OPENAI, "http://127.0.0.1:8080")],
  ["simulated", vendor("simulated", BOTH, null)],
]);

/** What `name` and `backendType` tell together: the name is the finer word, the type decides where both speak. */
export function vendorOf(name: string, backendType: string | undefined): Vendor | null {
  const byName = VENDORS.get(name.toLowerCase()) ?? null;
  if (backendType === undefined) return byName;
  return byName?.backendType === backendType ? byName : (VENDORS.get(backendType) ?? null);
}
