// Static pages, one file a route, each of which finds the others by relative paths: they work under any sub-path of
// any host. What they need of the server's source (types, query codec, verifier) is imported from it and bundled.
import adapter from "@sveltejs/adapter-static";
import { sveltekit } from "@sveltejs/kit/vite";
import tailwindcss from "@tailwindcss/vite";
import { defineConfig } from "vite";
import { sourcesPlugin } from "./sources-plugin.ts";

// biome-ignore lint/style/noDefaultExport: Vite asks for it.
export default defineConfig({
  plugins: [
    tailwindcss(),
    sveltekit({
      adapter: adapter({ pages: "build", precompress: false, strict: true }),
      paths: { relative: true },
      // Written into each page with the hashes of what stands in it; the server sends it as a header.
      csp: {
        mode: "hash",
        directives: {
          "default-src": ["none"],
          "script-src": ["self"],
          "style-src": ["self"],
          // Two styles that stand in libraries' markup: what hides the element by which SvelteKit tells screen readers of a
          // new page, and `display: contents;` in bits-ui's command palette.
          "style-src-attr": [
            "unsafe-hashes",
            "sha256-S8qMpvofolR8Mpjy4kQvEm7m1q8clzU4dfDH0AmvZjo=",
            "sha256-iaOezIDcQIoxCULa6FBKKuLUu09R7kG+Mlu+JVfU3Rw=",
          ],
          "img-src": ["self", "data:"],
          "connect-src": ["self"],
          "base-uri": ["none"],
          "form-action": ["none"],
          "require-trusted-types-for": ["script"],
          "trusted-types": ["svelte-trusted-html"],
        },
      },
      version: { name: "static", pollInterval: 0 },
      compilerOptions: { runes: true },
    }),
    sourcesPlugin(),
  ],
  server: { proxy: { "^/(admin|auth|me|api|readyz|openapi.json)": "http://127.0.0.1:4141" } },
});
