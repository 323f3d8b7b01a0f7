// Errors as OpenAI writes them.
import type { Errors } from "./form.ts";

const ABOUT: { readonly [status: number]: readonly [type: string, code: string] } = {
  401: ["invalid_request_error", "invalid_api_key"],
  404: ["invalid_request_error", "model_not_found"],
  429: ["requests", "rate_limit_exceeded"],
};

const body: Errors["body"] = (message, type, param, code) =>
  JSON.stringify({ error: { message, type, param, code } });

export const OPENAI_ERRORS: Errors = {
  body,
  event: (message, type) => `data: ${body(message, type, null, null)}\n\n`,
  about: (status) =>
    ABOUT[status] ?? [status < 400 || status >= 500 ? "server_error" : "invalid_request_error", null],
};
