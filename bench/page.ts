// Writes what a bench found into docs/performance.md, between the bench's markers, with the machine, the commit and
// the versions that it was found on.
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { cpus, totalmem, type } from "node:os";
import { number, type Section, type Table, type Target } from "./harness.ts";

const root = new URL("..", import.meta.url);

export const PAGE = new URL("docs/performance.md", root);

/** A section as Markdown, without its markers. */
export function markdown(section: Section, rounds: number): string {
  const { targets, tables, notes = [] } = section;
  const parts = [provenance(section, rounds)];
  if (targets.length > 0) parts.push(tableText(targetTable(targets)));
  for (const table of tables) parts.push(`**${table.caption}**`, tableText(table));
  for (const note of notes) parts.push(note);
  return parts.join("\n\n");
}

/** Puts `text` between the markers of `name`; throws when the page has none. */
export function writeSection(name: string, text: string, page: URL = PAGE): void {
  const [begin, end] = [`<!-- bench:${name} -->`, `<!-- /bench:${name} -->`];
  const before = readFileSync(page, "utf8");
  const [from, to] = [before.indexOf(begin), before.indexOf(end)];
  if (from === -1 || to === -1) throw new Error(`${page.pathname} has no markers ${begin} … ${end}.`);
  writeFileSync(page, `${before.slice(0, from + begin.length)}\n\n${text}\n\n${before.slice(to)}`);
}

function targetTable(targets: readonly Target[]): Table {
  return {
    caption: "",
    head: ["target", "at least", "goal", "measured", ""],
    rows: targets.map(({ what, measured, least, goal, better, unit }) => {
      const sign = better === "more" ? "≥ " : "≤ ";
      const show = (value: number) => `${number(value)}${unit}`;
      return [
        what,
        sign + show(least),
        sign + show(goal),
        measured === null ? "–" : show(measured),
        verdict(),
      ];

      function verdict(): string {
        if (measured === null) return "not measured";
        const reaches = (bound: number) => (better === "more" ? measured >= bound : measured <= bound);
        if (reaches(goal)) return "goal";
        return reaches(least) ? "met" : "**missed**";
      }
    }),
  };
}

function tableText({ head, rows }: Table): string {
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  return [line(head), line(head.map((_, column) => (column === 0 ? "---" : "---:"))), ...rows.map(line)].join(
    "\n",
  );
}

function provenance({ versions = {} }: Section, rounds: number): string {
  const cores = cpus();
  const machine = `${cores.length} × ${cores[0]?.model.trim() ?? "unknown"}, ${Math.round(totalmem() / 2 ** 30)} GiB, ${type()}`;
  const all = { node: process.versions.node, ...versions };
  const list = Object.entries(all).map(([name, version]) => `${name} ${version}`);
  const rounded = rounds === 1 ? "one round" : `median of ${rounds} rounds`;
  return `*${new Date().toISOString().slice(0, 10)}, commit ${commit()}; ${machine}; ${list.join(", ")}; ${rounded}.*`;
}

/** Short hash, with `+` when the code under measurement is not what was committed. */
function commit(): string {
  try {
    const git = (...args: string[]) => execFileSync("git", args, { cwd: root, encoding: "utf8" }).trim();
    return (
      git("rev-parse", "--short", "HEAD") +
      (git("status", "--porcelain", "--", "src", "bench") === "" ? "" : "+")
    );
  } catch {
    return "unknown";
  }
}
