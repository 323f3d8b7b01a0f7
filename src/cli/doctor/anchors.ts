// Where checkpoints are told outside: whether there is such a place, and when a file among them was told last.
import { readFileSync } from "node:fs";
import { DaybookError, nativeCode } from "../../event/errors.ts";
import { parseAnchorLine } from "../../evidence/anchors.ts";
import { durationText } from "../amounts.ts";
import { type Check, type Finding, fail, ok, warn } from "./check.ts";

const NONE = "Set anchors in daybook.yaml to a file on another mount, a syslog server or a webhook.";

export const checkAnchors: Check = ({ config, machine }) => {
  // The configuration's own check says what is wrong with it.
  if (config instanceof DaybookError) return [];
  const { anchors } = config;
  if (anchors.length === 0)
    return [warn("anchors", "none: that the end of a log was cut off could not be seen", NONE)];
  return anchors.map(({ kind, to }, index) =>
    kind === "file"
      ? judgeFile(`anchor ${index}`, to, machine.now())
      : ok(`anchor ${index}`, `${kind}; /readyz says how it is`),
  );
};

function judgeFile(check: string, path: string, now: number): Finding {
  try {
    const last = parseAnchorLine(readFileSync(path, "utf8").trimEnd().split("\n").at(-1) ?? "");
    if (last === null)
      return fail(check, `the last line of ${path} is no anchor line`, "Keep it, and anchor to a new file.");
    return ok(check, `${path}, told ${durationText(Math.max(0, now - last.at))} ago`);
  } catch (error) {
    if (nativeCode(error) === "ENOENT")
      return warn(check, `${path} is not there yet`, "Start Daybook, which makes it.");
    return fail(
      check,
      `${path} cannot be read (${nativeCode(error)})`,
      "Run as the user that Daybook runs as.",
    );
  }
}
