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
      version: { name: "static", pollInterval: 0 },
      compilerOptions: { runes: true },
    }),
    sourcesPlugin(),
  ],
  server: { proxy: { "^/(admin|auth|me|api|readyz|openapi.json)": "http://127.0.0.1:4141" } },
});
