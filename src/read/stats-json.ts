// Stats as they are shown, snake_case like everything outside.
import type { Stats } from "../stores/store.ts";

export function statsJson(stats: Stats) {
  return {
    total_requests: stats.totalRequests,
    failed: stats.failed,
    by_status: stats.byStatus,
    by_backend: stats.byBackend,
    unique_models: stats.uniqueModels,
    prompt_tokens: stats.promptTokens,
    completion_tokens: stats.completionTokens,
    total_tokens: stats.totalTokens,
    cached_tokens: stats.cachedTokens,
    cost_micros: stats.costMicros,
    p50_ms: stats.p50Ms,
    p95_ms: stats.p95Ms,
    p99_ms: stats.p99Ms,
  };
}

export type StatsJson = ReturnType<typeof statsJson>;
