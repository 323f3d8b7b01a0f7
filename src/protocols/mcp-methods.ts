// What each method of the Model Context Protocol is in the trail, in all its versions (2024-11-05 to 2026-07-28).

export interface McpMethod {
  /** Of its event; null: it leaves none. */
  readonly action: string | null;
  /** The member of `params` that says what is executed. */
  readonly named?: "name" | "uri";
  /** The member of `params` that `Mcp-Name` repeats (2026-07-28, Standard Request Headers). */
  readonly mirrored?: "name" | "uri" | "taskId";
  /** Lists leave an event only where the operator asks for it. */
  readonly lists?: true;
  /** What the tool is called with is content-like, and recorded only as configured. */
  readonly takesArguments?: true;
  /** Open as long as the client likes: no time limit. */
  readonly stays?: true;
}

/** An unknown method, whose name is the client's text. */
const OTHER: McpMethod = { action: "request" };

const METHODS = new Map<string, McpMethod>([
  ["tools/call", { action: "tool", named: "name", mirrored: "name", takesArguments: true }],
  ["resources/read", { action: "resource", named: "uri", mirrored: "uri" }],
  ["prompts/get", { action: "prompt", named: "name", mirrored: "name", takesArguments: true }],
  ["tools/list", { action: "list_tools", lists: true }],
  ["resources/list", { action: "list_resources", lists: true }],
  ["resources/templates/list", { action: "list_resource_templates", lists: true }],
  ["prompts/list", { action: "list_prompts", lists: true }],
  ["tasks/list", { action: "list_tasks", lists: true }],
  ["initialize", { action: null }],
  ["ping", { action: null }],
  ["server/discover", { action: null }],
  ["subscriptions/listen", { action: null, stays: true }],
  ["completion/complete", { action: "complete" }],
  ["logging/setLevel", { action: "set_log_level" }],
  ["resources/subscribe", { action: "subscribe" }],
  ["resources/unsubscribe", { action: "unsubscribe" }],
  ["tasks/get", { action: "get_task", mirrored: "taskId" }],
  ["tasks/result", { action: "get_task_result" }],
  ["tasks/update", { action: "update_task", mirrored: "taskId" }],
  ["tasks/cancel", { action: "cancel_task", mirrored: "taskId" }],
]);

/** Of a request; notifications leave no event. */
export function mcpMethod(method: string): McpMethod {
  return METHODS.get(method) ?? OTHER;
}

/** The oldest version without sessions, batches and requests from the server. */
const STATELESS_SINCE = "2026-07-28";
/** Versions are dates, and compare as text. */
export function isStateless(version: string | null): boolean {
  return version !== null && /^\d{4}-\d{2}-\d{2}$/.test(version) && version >= STATELESS_SINCE;
}
