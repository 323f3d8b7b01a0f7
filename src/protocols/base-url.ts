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
