// Providers that the environment tells of, for a Daybook that has none yet, and routes to what they usually serve.
import type { ProviderInput } from "./provider.ts";

/** Secrets and addresses as the vendors' own programs read them. */
export interface FoundProviders {
  readonly openaiApiKey: string | null;
  readonly anthropicApiKey: string | null;
  readonly ollamaHost: string | null;
}

export interface Found {
  /** The variable that tells of it. */
  readonly variable: string;
  readonly provider: ProviderInput;
  /** Globs of models. */
  readonly models: readonly string[];
}

const OLLAMA_PORT = "11434";

export function providersIn({ openaiApiKey, anthropicApiKey, ollamaHost }: FoundProviders): Found[] {
  const found: Found[] = [];
  if (openaiApiKey !== null) {
    found.push({
      variable: "OPENAI_API_KEY",
      provider: { name: "openai", api_key: openaiApiKey },
      models: ["gpt-*", "chatgpt-*", "o1*", "o3*", "o4*", "text-embedding-*"],
    });
  }
  if (anthropicApiKey !== null) {
    found.push({
      variable: "ANTHROPIC_API_KEY",
      provider: { name: "anthropic", api_key: anthropicApiKey },
      models: ["claude-*"],
    });
  }
  const baseUrl = ollamaHost === null ? null : ollamaUrl(ollamaHost);
  if (baseUrl !== null) {
    found.push({
      variable: "OLLAMA_HOST",
      provider: { name: "ollama", base_url: baseUrl },
      models: ["*"],
    });
  }
  return found;
}

/**
 * OLLAMA_HOST as a URL: `host`, `host:port`, `:port`, with or without a scheme; null when it is none of these. An
 * address to listen on everywhere is reached on this machine.
 */
export function ollamaUrl(text: string): string | null {
  const trimmed = text.trim().replace(/\/+$/, "");
  const hasScheme = /^https?:\/\//i.test(trimmed);
  const url = URL.parse(hasScheme ? trimmed : `http://${trimmed.replace(/^:/, "127.0.0.1:")}`);
  if (url === null || url.username !== "" || url.password !== "" || url.search !== "" || url.hash !== "")
    return null;
  if (["0.0.0.0", "[::]"].includes(url.hostname)) url.hostname = "127.0.0.1";
  if (url.port === "" && !hasScheme && !/:\d+$/.test(trimmed)) url.port = OLLAMA_PORT;
  return url.href.replace(/\/+$/, "");
}
