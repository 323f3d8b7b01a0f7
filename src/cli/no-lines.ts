/** Tables without lines, for cli-table3. */
export const NO_LINES = Object.fromEntries(
  ["top", "bottom", "left", "mid", "right"]
    .flatMap((side) => [side, `${side}-mid`, `${side}-left`, `${side}-right`].map((name) => [name, ""]))
    .concat([["middle", ""]]),
);
