// Copies of folders whose files come and go meanwhile, as tiles and segments do.
import assert from "node:assert/strict";
import { appendFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { copyFolder, type List, listFolder } from "../../src/server/copy-folder.ts";
import { tempFolder } from "../support/temp.ts";

/** Lists, and lets `then` happen once right after the folder called `name` was listed. */
function listing(name: string, then: () => void): List {
  let isDone = false;
  return (folder) => {
    const found = listFolder(folder);
    if (folder.endsWith(name) && !isDone) {
      isDone = true;
      then();
    }
    return found;
  };
}

function twoFolders(): [from: string, to: string] {
  const folder = tempFolder();
  const [from, to] = [join(folder, "from"), join(folder, "to")];
  mkdirSync(join(from, "tile", "0", "005.p"), { recursive: true });
  writeFileSync(join(from, "tile", "0", "005.p", "17"), "partial");
  return [from, to];
}

test("a partial tile that becomes a full one meanwhile is in the copy as that", () => {
  for (const listed of ["0", "005.p"]) {
    const [from, to] = twoFolders();
    const list = listing(listed, () => {
      writeFileSync(join(from, "tile", "0", "005"), "full");
      rmSync(join(from, "tile", "0", "005.p"), { recursive: true });
    });
    copyFolder(from, to, list);
    assert.equal(readFileSync(join(to, "tile", "0", "005"), "utf8"), "full", listed);
  }
});

test("a file that has grown is copied again when another has gone meanwhile", () => {
  const folder = tempFolder();
  const [from, to] = [join(folder, "from"), join(folder, "to")];
  mkdirSync(from, { recursive: true });
  writeFileSync(join(from, "2"), "begun");
  let lists = 0;
  copyFolder(from, to, (listed) => {
    lists++;
    if (lists === 1) return ["2", "1"].map((name) => ({ name, isFolder: false }));
    appendFileSync(join(listed, "2"), " and grown");
    return [{ name: "2", isFolder: false }];
  });
  assert.equal(readFileSync(join(to, "2"), "utf8"), "begun and grown");
  assert.equal(lists, 2);
});

test("a folder that is never still is no copy", () => {
  const [from, to] = twoFolders();
  const list: List = () => [{ name: "gone", isFolder: false }];
  assert.throws(() => copyFolder(from, to, list), { code: "EBUSY" });
});
