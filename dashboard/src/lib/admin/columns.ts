// Columns that many lists have.
import * as links from "#lib/links.ts";
import { names } from "#lib/names.svelte.ts";
import type { Column, Row } from "./resource.ts";

export const text = (name: string) => (row: Row) =>
  row[name] === null || row[name] === undefined ? "" : String(row[name]);

export const list =
  (name: string, none = "") =>
  (row: Row) =>
    Array.isArray(row[name]) ? row[name].join(", ") : none;

export const time = (title: string, name: string): Column => ({ title, text: text(name), isTime: true });

const SOURCES: Readonly<Record<string, string>> = {
  file: "file",
  control: "here",
  stdio: "wrapped",
  built_in: "built in",
};

export const source: Column = {
  title: "From",
  text: ({ source: from }) => SOURCES[String(from)] ?? String(from),
};

export const enabled: Column = {
  title: "State",
  text: ({ enabled: is }) => (is ? "on" : "off"),
  tone: ({ enabled: is }) => (is ? "good" : "idle"),
};

export const owner: Column = {
  title: "User",
  text: (row) => names.of("user_id", row.user_id) ?? text("user_id")(row),
  href: ({ user_id: id }) => (id ? links.explorer({ user_id: id }) : null),
};

/** Those of the configuration file are changed there. */
export const isOurs = ({ source: from }: Row) => from === "control";
