// A provider's base URL, however it was written, and the URL of one of its endpoints.

const VERSION = /^v\d+(?:(?:alpha|beta)\d*)?$/;
/** What Azure serves below a deployment; the rest stands beside the deployments. */
const DEPLOYED = /^\/v1\/(?:chat\/completions|completions|embeddings|audio\/.+|images\/.+)$/;

/** Azure OpenAI's addressing by deployment, for resources without its `/openai/v1/`. */
export interface AzureAddress {
  /** `api-version`, as `2024-10-21`. */
  readonly apiVersion: string;
  /** The deployment, which stands for the model; null for what belongs to none. */
  readonly deployment: string | null;
}

/**
 * The URL of `path` below `baseUrl`, which comes with or without a version and trailing slashes:
 * `https://api.openai.com`, `https://api.groq.com/openai/v1/`. A base whose path has a version segment (`v1`, `v4`,
 * `v1beta`) is complete, and the `/v1` of `path` is not added; so is what follows that segment (`/v1/openai`), and an
 * Azure deployment (`/openai/deployments/gpt-4o`). A query (`?api-version=…`) is kept. With `azure`, `baseUrl` is the
 * resource, with or without `/openai`. Throws a TypeError when `baseUrl` is not an http or https URL.
 */
export function endpointUrl(baseUrl: string, path: `/v1/${string}`, azure: AzureAddress | null = null): URL {
  const url = URL.parse(baseUrl);
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw new TypeError("A base URL is absolute and starts with http:// or https://.");
  }
  const base = url.pathname.replace(/\/+$/, "");
  const rest = path.slice("/v1".length);
  if (azure === null) {
    url.pathname = base + (isComplete(base) ? rest : path);
  } else {
    const resource = base.replace(/\/openai(?:\/.*)?$/, "");
    url.pathname = `${resource}/openai${deploymentPath(path, azure)}${rest}`;
    url.searchParams.set("api-version", azure.apiVersion);
  }
  url.hash = "";
  return url;
}

/** The URL of `path` at the server itself, whatever version or prefix of an API its base URL names. */
export function serverUrl(baseUrl: string, path: `/${string}`): URL {
  const url = endpointUrl(baseUrl, "/v1/");
  const segments = url.pathname.split("/");
  const version = segments.findIndex((segment) => VERSION.test(segment));
  url.pathname = segments.slice(0, version).join("/") + path;
  return url;
}

function isComplete(base: string): boolean {
  const segments = base.split("/");
  return segments.some((segment) => VERSION.test(segment)) || segments.at(-2) === "deployments";
}

/** A name of dots would be a step up; none of Azure's is. */
function deploymentPath(path: string, { deployment }: AzureAddress): string {
  if (deployment === null || !DEPLOYED.test(path)) return "";
  return `/deployments/${/^\.+$/.test(deployment) ? "-" : encodeURIComponent(deployment)}`;
}
