// A provider's base URL, however it was written, and the URL of one of its endpoints.

const VERSION = /^v\d+(?:(?:alpha|beta)\d*)?$/;

/**
 * The URL of `path` below `baseUrl`, which comes with or without a version and trailing slashes:
 * `https://api.openai.com`, `https://api.groq.com/openai/v1/`. A base whose path has a version segment (`v1`, `v4`,
 * `v1beta`) is complete, and the `/v1` of `path` is not added; so is what follows that segment (`/v1/openai`).
 * A query (`?api-version=…`) is kept. Throws a TypeError when `baseUrl` is not an http or https URL.
 */
export function endpointUrl(baseUrl: string, path: `/v1/${string}`): URL {
  const url = URL.parse(baseUrl);
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw new TypeError("A base URL is absolute and starts with http:// or https://.");
  }
  const base = url.pathname.replace(/\/+$/, "");
  const versioned = base.split("/").some((segment) => VERSION.test(segment));
  url.pathname = base + (versioned ? path.slice("/v1".length) : path);
  url.hash = "";
  return url;
}

/** The URL of `path` beside the versioned endpoints, where servers keep what is their own: `/api/ps`, `/models/load`. */
export function besideUrl(baseUrl: string, path: `/${string}`): URL {
  const url = endpointUrl(baseUrl, "/v1/models");
  const segments = url.pathname.split("/");
  const version = segments.findIndex((segment) => VERSION.test(segment));
  url.pathname = segments.slice(0, version).join("/") + path;
  return url;
}

/**
 * The URL of `endpoint` for one of Azure's deployments, by the addressing that needs an `api-version`:
 * `…/openai/deployments/NAME/chat/completions?api-version=…`; `null` for what is of no deployment.
 */
export function deploymentUrl(
  baseUrl: string,
  endpoint: `/v1/${string}`,
  deployment: string | null,
  apiVersion: string,
): URL {
  const url = new URL(baseUrl);
  const base = url.pathname.replace(/\/+$/, "").replace(/\/openai$/, "");
  const rest = endpoint.slice("/v1".length);
  const within = deployment === null ? "" : `/deployments/${encodeURIComponent(deployment)}`;
  url.pathname = `${base}/openai${within}${rest}`;
  url.searchParams.set("api-version", apiVersion);
  url.hash = "";
  return url;
}
