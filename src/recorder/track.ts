// Wraps work for its whole life: a function until it has returned or thrown, a stream until its last item is delivered.
import { DaybookError } from "../event/errors.ts";
import { answered, failed, type Outcome } from "../event/outcomes.ts";
import type { Handle } from "./handle.ts";

/** How long strict work waits for its begin, and then for its finish, to be durable. */
const STRICT_DEADLINE_MS = 2000;

/**
 * Runs `work` as the event of `handle`. Strict: `work` is not begun before the begin is durable, and its result, or a
 * stream's end, is not given before the finish is; else `audit_unavailable` is thrown. What `work` throws is thrown on,
 * and becomes what `outcomeOf` makes of it: only its class name is kept. An outcome that `work` fixed itself stands.
 */
export async function runTracked<T>(
  handle: Handle,
  work: (handle: Handle) => T,
  outcomeOf: (error: unknown) => Outcome = thrown,
): Promise<Awaited<T>> {
  if (!(await handle.announce(STRICT_DEADLINE_MS))) {
    end(handle, failed("audit_unavailable"));
    throw new DaybookError("audit_unavailable", "the begin did not become durable; nothing was done");
  }
  let result: Awaited<T>;
  try {
    result = await work(handle);
  } catch (error) {
    await conclude(handle, outcomeOf(error));
    throw error;
  }
  if (isStream(result)) return streamed(handle, result, outcomeOf) as Awaited<T>;
  await conclude(handle, answered(null), true);
  return result;
}

async function* streamed<T>(
  handle: Handle,
  stream: AsyncIterable<T>,
  outcomeOf: (error: unknown) => Outcome,
): AsyncGenerator<T> {
  // Until it is known better: the consumer stopped listening.
  let outcome: Outcome = failed("client_disconnected");
  try {
    yield* stream;
    outcome = answered(null);
  } catch (error) {
    outcome = outcomeOf(error);
    throw error;
  } finally {
    await conclude(handle, outcome, outcome.status === "success");
  }
}

/** `mustSettle`: strict work succeeds only when that is durable. */
async function conclude(handle: Handle, outcome: Outcome, mustSettle = false): Promise<void> {
  end(handle, outcome);
  if (handle.mode === "open" || (await handle.settled(STRICT_DEADLINE_MS)) === "durable" || !mustSettle)
    return;
  throw new DaybookError("audit_unavailable", "the finish did not become durable in time");
}

function end(handle: Handle, outcome: Outcome): void {
  if (handle.state === "open") handle.finish(outcome);
}

/** What became of work that threw `error`. */
export function thrown(error: unknown): Outcome {
  const name = error instanceof Error ? error.name : null;
  if (name === "TimeoutError") return failed("timeout", name);
  if (name === "AbortError") return failed("client_disconnected", name);
  return failed("internal_error", name);
}

function isStream(value: unknown): value is AsyncIterable<unknown> {
  return typeof value === "object" && value !== null && Symbol.asyncIterator in value;
}
