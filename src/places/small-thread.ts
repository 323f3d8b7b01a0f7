// What the threads that verify have in common: a heap that is kept small, and what they tell when they fail.
import { DaybookError, type DaybookErrorCode, ERRORS, nativeCode } from "../event/errors.ts";

/**
 * A few MiB of semi-space, since events are garbage as soon as they are looked at, and V8 would rather let much of it lie.
 * Smaller is no better (`npm run bench -- evidence`).
 */
export const SMALL_HEAP = { maxYoungGenerationSizeMb: 24 } as const;

export interface Failed {
  readonly is: "failed";
  readonly code: string;
  readonly detail: string | null;
}

export function failedBy(error: unknown): Failed {
  const isOurs = error instanceof DaybookError;
  return {
    is: "failed",
    code: isOurs ? error.code : nativeCode(error),
    detail: isOurs ? error.detail : null,
  };
}

export function thrownOf({ code, detail }: Failed): Error {
  return detail !== null && Object.hasOwn(ERRORS, code)
    ? new DaybookError(code as DaybookErrorCode, detail)
    : Object.assign(new Error(`The store cannot be read (${code}).`), { code });
}
