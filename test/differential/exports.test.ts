// Exports against a naive reading of the events: any filter, each in the format whose turn it is.
import assert from "node:assert/strict";
import { after, before } from "node:test";
import { Exporter } from "../../src/read/export/exporter.ts";
import { FORMAT_NAMES, type FormatName } from "../../src/read/export/formats.ts";
import { READERS } from "../read/export/readers.ts";
import { inZones, makeWorld, type World } from "./world.ts";

let world: World;
let exporter: Exporter;

before(async () => {
  world = await makeWorld({ events: 3000, filters: 5 * FORMAT_NAMES.length });
  exporter = new Exporter(world.address);
});
after(async () => {
  await exporter.close();
  await world[Symbol.asyncDispose]();
});

inZones(
  "exports of any filter, in any format, hold the events of a naive reading",
  () => world,
  async (filters) => {
    for (const [index, filter] of filters.entries()) {
      const format = FORMAT_NAMES[index % FORMAT_NAMES.length] as FormatName;
      const chunks: Uint8Array[] = [];
      for await (const { bytes } of exporter.start({ format, compression: "none", filter }))
        chunks.push(bytes);
      const expected = world.expected(filter);
      const message = `${format} ${JSON.stringify(filter)}`;
      assert.deepEqual(await READERS[format](Buffer.concat(chunks)), expected, message);
    }
  },
);
