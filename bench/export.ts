// Exports: events a second in every format, of a large store, and the memory that the process takes meanwhile.
import { Exporter } from "../src/read/export/exporter.ts";
import { type Compression, FORMAT_NAMES, type FormatName } from "../src/read/export/formats.ts";
import { filledStore } from "./filled-store.ts";
import { type Bench, interleave, type Measured, number } from "./harness.ts";

const EVENTS = 1_000_000;
const QUICK_EVENTS = 50_000;
const MIB = 2 ** 20;

const CASES: readonly { readonly format: FormatName; readonly compression: Compression }[] = [
  ...FORMAT_NAMES.map((format) => ({ format, compression: "none" }) as const),
  { format: "csv", compression: "gzip" },
  { format: "csv", compression: "zstd" },
];

export const bench: Bench = {
  name: "export",
  async run({ quick, rounds, say }) {
    const size = quick ? QUICK_EVENTS : EVENTS;
    const { address } = await filledStore(size, say);
    const exporter = new Exporter(address);
    const nameOf = ({ format, compression }: (typeof CASES)[number]) =>
      compression === "none" ? format : `${format}, ${compression}`;
    const turn = async (form: (typeof CASES)[number]): Promise<Measured> => {
      const startedAt = performance.now();
      const running = exporter.start({ ...form, filter: { where: {} } });
      let early = 0;
      let peak = 0;
      for await (const { point } of running) {
        peak = Math.max(peak, process.memoryUsage.rss());
        if (early === 0 || point.rows <= size / 10) early = peak;
      }
      const seconds = (performance.now() - startedAt) / 1000;
      const { rows = 0, bytes = 0 } = running.summary ?? {};
      return {
        "events/s": rows / seconds,
        "MiB/s": bytes / MIB / seconds,
        "peak MiB of a tenth": early / MIB,
        "peak MiB": peak / MIB,
        growth: peak / early,
      };
    };
    try {
      const cases = CASES.map((form) => ({ name: nameOf(form), turn: () => turn(form) }));
      const results = await interleave(cases, { rounds, say });
      const measures = ["events/s", "MiB/s", "peak MiB of a tenth", "peak MiB"] as const;
      return {
        targets: [
          {
            what: "CSV export",
            measured: results.median("csv", "events/s"),
            least: 100_000,
            goal: 200_000,
            better: "more",
            unit: " events/s",
          },
          {
            what: "memory of a whole CSV export, of that of its first tenth",
            measured: results.median("csv", "growth"),
            least: 1.25,
            goal: 1.1,
            better: "less",
            unit: " ×",
          },
        ],
        tables: [
          {
            caption: `Of ${number(size)} events`,
            head: ["", ...measures],
            rows: CASES.map((form) => [
              nameOf(form),
              ...measures.map((measure) => number(results.median(nameOf(form), measure))),
            ]),
          },
        ],
      };
    } finally {
      await exporter.close();
    }
  },
};
