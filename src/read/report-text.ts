// A report as CSV, one number a line, and as a page to print, which loads nothing from anywhere.
import { csvText } from "./export/csv.ts";
import type { Report } from "./report.ts";

type Line = readonly [section: string, name: string, value: string | number];

/** Every number of the report, in order. */
function linesOf(report: Report): Line[] {
  const { totals, evidence, period, since, until, made_at, ...sections } = report;
  const about: Line[] = Object.entries({ period, since, until, made_at }).map(([name, value]) => [
    "report",
    name,
    value,
  ]);
  const sums = Object.entries(totals).flatMap(([name, value]): Line[] =>
    typeof value === "object" && value !== null
      ? Object.entries(value).map(([key, count]) => [`totals ${name}`, key, count])
      : [["totals", name, value ?? ""]],
  );
  const counts = Object.entries(sections).flatMap(([section, values]) =>
    Object.entries(values).map(([name, count]): Line => [section.replaceAll("_", " "), name, count]),
  );
  const nodes = evidence.nodes.flatMap(({ node_id, events, sealed }): Line[] => [
    ["evidence", `${node_id} events`, events],
    ["evidence", `${node_id} sealed`, sealed],
  ]);
  return [...about, ...sums, ...counts, ["evidence", "state", evidence.state], ...nodes];
}

export function reportCsv(report: Report): string {
  const rows = linesOf(report).map((line) => line.map((cell) => csvText(String(cell))).join(","));
  return `${["section,name,value", ...rows].join("\r\n")}\r\n`;
}

const STYLE = `body{font:14px/1.5 system-ui,sans-serif;max-width:44rem;margin:2rem auto;padding:0 1rem;color:#111}
h1{font-size:1.5rem}h2{font-size:1.1rem;margin:1.5rem 0 .3rem}table{border-collapse:collapse;width:100%}
td{border-bottom:1px solid #ddd;padding:.2rem 0}td:last-child{text-align:right;font-variant-numeric:tabular-nums}
tr{break-inside:avoid}@media print{body{margin:0}}`;

export function reportPage(report: Report): string {
  const lines = linesOf(report);
  const sections = [...new Set(lines.map(([section]) => section))].map((section) => {
    const rows = lines
      .filter(([of]) => of === section)
      .map(([, name, value]) => `<tr><td>${html(name)}</td><td>${html(String(value))}</td></tr>`);
    return `<h2>${html(section)}</h2>\n<table>${rows.join("\n")}</table>`;
  });
  const title = `Audit report ${html(report.period)}`;
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>${title}</title><style>${STYLE}</style></head>
<body><h1>${title}</h1>
${sections.join("\n")}
<p>Nothing here is verified: <code>daybook verify</code> does that.</p>
</body></html>
`;
}

function html(text: string): string {
  return text.replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);
}
