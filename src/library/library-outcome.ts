// Outcomes that a service gives. What an event says of an end comes from one table, whoever names it: a text of the
// service's own has no way in, but for error messages where they were asked for.
import { DaybookError } from "../event/errors.ts";
import { answered, FAILURES, failed, failedAsSent, type Outcome } from "../event/outcomes.ts";
import { redactText } from "../event/redaction.ts";
import { thrown } from "../recorder/track.ts";

const MAX_MESSAGE = 500;

/** The same outcome as the table has it. Throws `bad_event` on one that is not in it: a failure never passes for a success. */
export function tabled(outcome: Outcome): Outcome {
  const { status, statusCode = null, errorCode = null, errorType = null } = outcome ?? {};
  if (errorCode === null && status === "success") return answered(statusCode);
  if (errorCode === null || !Object.hasOwn(FAILURES, errorCode))
    throw new DaybookError(
      "bad_event",
      "its outcome is not one that answered(), failed() or failedAsSent() made",
    );
  if (FAILURES[errorCode].statusCode === null)
    return failedAsSent(errorCode as Parameters<typeof failedAsSent>[0], statusCode, errorType);
  return failed(errorCode as Parameters<typeof failed>[0], errorType);
}

/** What became of work that threw; with `keepsMessage`, its redacted message too. */
export function outcomeOfError(error: unknown, keepsMessage: boolean): Outcome {
  const { errorCode, errorType } = thrown(error);
  // It is the service that failed, and not Daybook.
  const outcome =
    errorCode === "internal_error" ? failedAsSent("service_error", 500, errorType) : thrown(error);
  if (!keepsMessage || !(error instanceof Error)) return outcome;
  return { ...outcome, errorMessage: redactText(error.message.slice(0, MAX_MESSAGE)).text };
}
