// A period in numbers, for whoever has to answer for it.
import * as z from "zod";
import { makeReport, periodOf } from "../../read/report.ts";
import { reportCsv, reportPage } from "../../read/report-text.ts";
import { QUERIED } from "../audit.ts";
import { Refusal } from "../problem.ts";
import { type Route, route } from "../route.ts";

export const REPORT_ROUTES: readonly Route[] = [
  route({
    method: "GET",
    path: "/admin/audit-logs/report",
    access: ["audit:read"],
    audit: QUERIED,
    query: z.object({
      period: z.string().describe("A year, month or day in UTC: `2026`, `2026-10`, `2026-10-31`."),
      format: z.enum(["json", "csv", "html"]).default("json").describe("`html`: a page to print."),
    }),
    about:
      "What a period was like: totals, failures, denials, changes by administrators, what the trail says is missing from it, and how far its logs are sealed.",
    async answer({ parts, reader, query: { period, format }, reply }) {
      const bounds = periodOf(period);
      if (bounds === null)
        throw new Refusal("invalid_request", { detail: "period is a year, month or day, such as 2026-10." });
      const report = await makeReport(reader, period, bounds, parts.now());
      if (format === "json") return report;
      reply.type(format === "csv" ? "text/csv; charset=utf-8" : "text/html; charset=utf-8");
      return format === "csv" ? reportCsv(report) : reportPage(report);
    },
  }),
];
