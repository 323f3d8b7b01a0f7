// The configuration, read again while Daybook runs.
import * as z from "zod";
import { DaybookError, type DaybookErrorCode } from "../../event/errors.ts";
import { Refusal } from "../problem.ts";
import { type Route, route } from "../route.ts";

const OF_THE_FILE: ReadonlySet<DaybookErrorCode> = new Set([
  "bad_config",
  "no_config",
  "bad_tls",
  "public_without_tls",
]);

export const RELOAD_ROUTES: readonly Route[] = [
  route({
    method: "POST",
    path: "/admin/reload",
    access: ["admin"],
    audit: null,
    changes: { entityType: "configuration", action: "configuration_changed" },
    answers: z.object({
      changed: z.array(z.string()).describe("Options that differ, and are in force now."),
      needs_restart: z.array(z.string()).describe("Options that differ, and wait for the next start."),
    }),
    about:
      "Reads the configuration again (as SIGHUP does). What is wrong with it is said, and then nothing has changed.",
    async answer({ parts, actor }) {
      try {
        const { changed, needsRestart } = await parts.reload(actor);
        return { changed: [...changed], needs_restart: [...needsRestart] };
      } catch (error) {
        if (!(error instanceof DaybookError) || !OF_THE_FILE.has(error.code)) throw error;
        throw new Refusal("invalid_configuration", { detail: error.message, errorType: error.code });
      }
    },
  }),
];
