// The Vercel AI SDK's telemetry hook: one event for each call of a model, an embedding or a tool. Of what the hook is told
// only names, counts and reasons are read; prompts, answers and arguments are never looked at.
import { answered, failed, failedAsSent, type Outcome } from "../event/outcomes.ts";
import type { Annotations, WorkFacts } from "./annotations.ts";
import type { EventHandle } from "./event-handle.ts";
import type { DaybookRecorder } from "./library-recorder.ts";

export interface AiTelemetryOptions {
  readonly recorder: DaybookRecorder;
  /** What else is known of a call: who asked for it, say. */
  readonly about?: () => Annotations;
}

/** As much of the SDK's events as is read. */
interface ModelCall {
  readonly callId: string;
  readonly provider: string;
  readonly modelId: string;
}
interface ModelCallEnd extends ModelCall {
  readonly finishReason: string;
  readonly responseId?: string;
  readonly usage: {
    readonly inputTokens: number | undefined;
    readonly inputTokenDetails?: { readonly cacheReadTokens: number | undefined };
    readonly outputTokens: number | undefined;
    readonly outputTokenDetails?: { readonly reasoningTokens: number | undefined };
    readonly totalTokens: number | undefined;
  };
  readonly performance?: { readonly timeToFirstOutputMs: number | undefined };
}
interface EmbeddingCall extends ModelCall {
  readonly embedCallId: string;
}
interface ToolExecution {
  readonly callId: string;
  readonly toolCall: { readonly toolCallId: string; readonly toolName: string };
}

/** A telemetry integration: `registerTelemetry(aiTelemetry({ recorder }))`, or in a call's `telemetry.integrations`. */
export interface AiTelemetry {
  onLanguageModelCallStart(event: ModelCall): void;
  onLanguageModelCallEnd(event: ModelCallEnd): void;
  onEmbedStart(event: EmbeddingCall): void;
  onEmbedEnd(event: EmbeddingCall & { readonly usage: { readonly tokens: number } }): void;
  onToolExecutionStart(event: ToolExecution): void;
  onToolExecutionEnd(
    event: ToolExecution & { readonly toolOutput: { readonly type: string; readonly error?: unknown } },
  ): void;
  onStepError(event: { readonly callId?: string; readonly error?: unknown }): void;
  onAbort(event: { readonly callId?: string }): void;
  onError(event: unknown): void;
}

export function aiTelemetry({ recorder, about }: AiTelemetryOptions): AiTelemetry {
  /** What is under way: by call, and within it by embedding or tool. */
  const open = new Map<string, Map<string, EventHandle>>();
  const begin = (callId: string, part: string, facts: WorkFacts) => {
    const parts = open.get(callId) ?? new Map<string, EventHandle>();
    open.set(callId, parts.set(part, recorder.begin({ ...about?.(), ...facts })));
  };
  const finish = (callId: string, part: string, outcome: Outcome, facts: Annotations = {}) => {
    const parts = open.get(callId);
    const event = parts?.get(part);
    if (event === undefined) return;
    parts?.delete(part);
    if (parts?.size === 0) open.delete(callId);
    event.note(facts);
    event.finish(outcome);
  };
  const finishAll = (callId: string | undefined, outcome: Outcome) => {
    for (const part of open.get(callId ?? "")?.keys() ?? []) finish(callId ?? "", part, outcome);
  };
  return {
    onLanguageModelCallStart: ({ callId, provider, modelId }) =>
      begin(callId, MODEL, { kind: "inference", action: "chat", model: modelId, ...whose(provider) }),
    onLanguageModelCallEnd: (event) => finish(event.callId, MODEL, answered(null), factsOfEnd(event)),
    onEmbedStart: ({ callId, embedCallId, provider, modelId }) =>
      begin(callId, embedCallId, {
        kind: "inference",
        action: "embedding",
        model: modelId,
        ...whose(provider),
      }),
    onEmbedEnd: ({ callId, embedCallId, usage }) =>
      finish(
        callId,
        embedCallId,
        answered(null),
        countsOf({ promptTokens: usage.tokens, totalTokens: usage.tokens }),
      ),
    onToolExecutionStart: ({ callId, toolCall: { toolCallId, toolName } }) =>
      begin(callId, toolCallId, { kind: "exec", action: "tool", name: toolName }),
    onToolExecutionEnd: ({ callId, toolCall: { toolCallId }, toolOutput: { type, error } }) =>
      finish(
        callId,
        toolCallId,
        type === "tool-error" ? failedAsSent("tool_error", null, nameOf(error)) : answered(null),
      ),
    onStepError: ({ callId, error }) => finishAll(callId, outcomeOf(error)),
    onAbort: ({ callId }) => finishAll(callId, failed("client_disconnected", "AbortError")),
    onError: (event) => {
      const { callId, error } = (event ?? {}) as { readonly callId?: string; readonly error?: unknown };
      finishAll(callId, outcomeOf(error));
    },
  };
}

const MODEL = "model";

/** `openai.responses` is OpenAI's. */
function whose(provider: string) {
  return { provider, backendType: provider.split(".", 1)[0] ?? null };
}

function factsOfEnd({ usage, finishReason, responseId, performance }: ModelCallEnd): Annotations {
  const { inputTokens, inputTokenDetails, outputTokens, outputTokenDetails, totalTokens } = usage;
  const ttftMs = performance?.timeToFirstOutputMs;
  return {
    finishReason,
    ...(responseId === undefined ? {} : { upstreamRequestId: responseId }),
    ...(ttftMs === undefined ? {} : { ttftMs: Math.round(ttftMs) }),
    ...countsOf({
      promptTokens: inputTokens,
      completionTokens: outputTokens,
      totalTokens,
      cachedTokens: inputTokenDetails?.cacheReadTokens,
      reasoningTokens: outputTokenDetails?.reasoningTokens,
    }),
  };
}

/** Those that are counts: providers that say nothing leave NaN or nothing. */
function countsOf(counts: Readonly<Record<string, number | undefined>>): Annotations {
  return Object.fromEntries(Object.entries(counts).filter(([, count]) => Number.isSafeInteger(count)));
}

function outcomeOf(error: unknown): Outcome {
  const { statusCode } = (error ?? {}) as { readonly statusCode?: unknown };
  const name = nameOf(error);
  if (name === "AbortError") return failed("client_disconnected", name);
  if (name === "TimeoutError") return failed("timeout", name);
  if (typeof statusCode === "number" && statusCode >= 400 && statusCode <= 599)
    return failedAsSent("provider_error", statusCode, name);
  return failed("provider_unreachable", name);
}

function nameOf(error: unknown): string | null {
  return error instanceof Error ? error.name : null;
}
