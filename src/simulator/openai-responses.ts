// OpenAI responses: one JSON body, or events that build it up and end by restating it whole.
import { isRecord, Refusal } from "./directives.ts";
import type { Answer, Errors, EventStream, Form } from "./form.ts";
import { OPENAI_ERRORS } from "./openai-errors.ts";
import { type Asked, contentBytes, textBytes, tokenLimit, tokensOf } from "./request.ts";
import { piece, pieceCount, wholeText } from "./words.ts";

const ERRORS: Errors = {
  ...OPENAI_ERRORS,
  event: (message, type) =>
    `event: error\ndata: ${JSON.stringify({ type: "error", code: type, message, param: null, sequence_number: 0 })}\n\n`,
};

export const RESPONSES: Form = { read, body, stream, errors: ERRORS };

function read(request: Record<string, unknown>, toolWanted: boolean): Asked {
  const { input, instructions } = request;
  if (input === undefined || input === null) throw new Refusal("input is missing.", { param: "input" });
  const bytes = Array.isArray(input) ? contentBytes(input, "input") : textBytes(input);
  return {
    promptTokens: tokensOf(bytes + textBytes(instructions)),
    maxTokens: tokenLimit(request, "max_output_tokens"),
    json: wantsJson(request.text),
    tool: toolToCall(request.tools, request.tool_choice, toolWanted),
  };
}

function wantsJson(text: unknown): boolean {
  if (!isRecord(text) || !isRecord(text.format)) return false;
  return text.format.type === "json_object" || text.format.type === "json_schema";
}

function toolToCall(tools: unknown, choice: unknown, directed: boolean): string | null {
  if (!Array.isArray(tools) || choice === "none") return null;
  const chosen = functionName(choice);
  if (chosen !== null) return chosen;
  if (!directed && choice !== "required") return null;
  return tools.map(functionName).find((name) => name !== null) ?? null;
}

function functionName(tool: unknown): string | null {
  return isRecord(tool) && tool.type === "function" && typeof tool.name === "string" ? tool.name : null;
}

/** `output`: JSON text of the items; `usage` only when it is over. */
function response(answer: Answer, status: "in_progress" | "completed", output: string): string {
  const isOver = status === "completed";
  const isCut = isOver && answer.isCut;
  return (
    `{"id":"resp_sim_${answer.sequence}","object":"response","created_at":${answer.created},` +
    `"status":"${isCut ? "incomplete" : status}","error":null,` +
    `"incomplete_details":${isCut ? '{"reason":"max_output_tokens"}' : "null"},"instructions":null,` +
    `"model":${JSON.stringify(answer.model)},"output":[${output}],"parallel_tool_calls":true,"temperature":1,` +
    `"tool_choice":"auto","tools":[],"top_p":1,"metadata":{},"usage":${isOver ? usageOf(answer) : "null"}}`
  );
}

function usageOf({ usage }: Answer): string {
  if (usage === null) return "null";
  const { prompt, completion, cached, reasoning } = usage;
  return (
    `{"input_tokens":${prompt},"input_tokens_details":{"cached_tokens":${cached}},"output_tokens":${completion},` +
    `"output_tokens_details":{"reasoning_tokens":${reasoning}},"total_tokens":${prompt + completion}}`
  );
}

function item(answer: Answer, status: "in_progress" | "completed", text: string): string {
  const { sequence, tool } = answer;
  if (tool !== null) {
    return (
      `{"id":"fc_sim_${sequence}","type":"function_call","status":"${status}","call_id":"call_sim_${sequence}",` +
      `"name":${JSON.stringify(tool)},"arguments":"${text}"}`
    );
  }
  const content = status === "completed" ? part(text) : "";
  return `{"id":"msg_sim_${sequence}","type":"message","status":"${status}","role":"assistant","content":[${content}]}`;
}

function part(text: string): string {
  return `{"type":"output_text","text":"${text}","annotations":[],"logprobs":[]}`;
}

function body(answer: Answer): string {
  return response(answer, "completed", item(answer, "completed", wholeText(answer)));
}

function stream(answer: Answer): EventStream {
  const { sequence, tool, isCut } = answer;
  const pieces = pieceCount(answer);
  const event = (type: string, number: number, more: string) =>
    `event: ${type}\ndata: {"type":"${type}","sequence_number":${number},${more}}\n\n`;
  const at = `"item_id":"${tool === null ? "msg" : "fc"}_sim_${sequence}","output_index":0`;
  const inText = `${at},"content_index":0`;
  const opening =
    event("response.created", 0, `"response":${response(answer, "in_progress", "")}`) +
    event("response.in_progress", 1, `"response":${response(answer, "in_progress", "")}`) +
    event("response.output_item.added", 2, `"output_index":0,"item":${item(answer, "in_progress", "")}`) +
    (tool === null ? event("response.content_part.added", 3, `${inText},"part":${part("")}`) : "");
  const delta = (index: number) =>
    tool === null
      ? event(
          "response.output_text.delta",
          4 + index,
          `${inText},"delta":"${piece(answer, index)}","logprobs":[]`,
        )
      : event("response.function_call_arguments.delta", 4 + index, `${at},"delta":"${piece(answer, index)}"`);
  const whole = wholeText(answer);
  const last = 4 + pieces;
  const done =
    tool === null
      ? event("response.output_text.done", last, `${inText},"text":"${whole}","logprobs":[]`) +
        event("response.content_part.done", last + 1, `${inText},"part":${part(whole)}`)
      : event("response.function_call_arguments.done", last, `${at},"arguments":"${whole}"`);
  const full = item(answer, "completed", whole);
  return {
    length: 1 + pieces,
    event: (index) => (index === 0 ? opening : delta(index - 1)),
    ending:
      done +
      event("response.output_item.done", last + 2, `"output_index":0,"item":${full}`) +
      event(
        isCut ? "response.incomplete" : "response.completed",
        last + 3,
        `"response":${response(answer, "completed", full)}`,
      ),
  };
}
