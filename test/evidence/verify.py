#!/usr/bin/env python3
"""A second verifier of Daybook's proofs and bundles, written from docs/evidence.md alone.

Usage: verify.py FILE [ANCHORS [KEY...]]. Prints the worst state and exits with its code. Standard library only.
Or: verify.py -, with such arguments as a JSON list in each line of the input. Prints the code of each worst state.
"""
import base64
import functools
import hashlib
import json
import re
import sys

CODES = {"VALID": 0, "VALID_ERASED": 10, "PRUNED": 11, "UNSEALED_TAIL": 12, "NOT_SEALED": 20, "KEY_UNKNOWN": 21,
         "MISSING": 30, "TAMPERED": 31, "ANCHOR_CONFLICT": 32}
KINDS = ("inference", "mcp", "file", "exec", "auth", "quota", "api", "admin", "system")


# Ed25519, RFC 8032 section 5.1.7.
P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
I = pow(2, (P - 1) // 4, P)


def recover_x(y, sign):
    if y >= P:
        return None
    x2 = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    if x2 == 0:
        return None if sign else 0
    x = pow(x2, (P + 3) // 8, P)
    if (x * x - x2) % P:
        x = x * I % P
    if (x * x - x2) % P:
        return None
    return P - x if (x & 1) != sign else x


def point(data):
    y = int.from_bytes(data, "little")
    x = recover_x(y & ((1 << 255) - 1), y >> 255)
    y &= (1 << 255) - 1
    return None if x is None else (x, y, 1, x * y % P)


def add(a, b):
    e, f = (a[1] - a[0]) * (b[1] - b[0]) % P, (a[1] + a[0]) * (b[1] + b[0]) % P
    g, h = 2 * a[3] * b[3] * D % P, 2 * a[2] * b[2] % P
    e, f, g, h = f - e, h - g, h + g, f + e
    return (e * f % P, g * h % P, f * g % P, e * h % P)


def times(n, q):
    r = (0, 1, 1, 0)
    while n:
        if n & 1:
            r = add(r, q)
        q, n = add(q, q), n >> 1
    return r


BY = 4 * pow(5, P - 2, P) % P
BASE = (recover_x(BY, 0), BY, 1, recover_x(BY, 0) * BY % P)


@functools.cache
def signed(key, message, signature):
    if len(key) != 32 or len(signature) != 64:
        return False
    a, r, s = point(key), point(signature[:32]), int.from_bytes(signature[32:], "little")
    if a is None or r is None or s >= L:
        return False
    h = int.from_bytes(hashlib.sha512(signature[:32] + key + message).digest(), "little") % L
    left, right = times(s, BASE), add(r, times(h, a))
    return (left[0] * right[2] - right[0] * left[2]) % P == 0 and (left[1] * right[2] - right[1] * left[2]) % P == 0


# The log.
def sha(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def node(left, right):
    return sha(b"\x01", left, right)


def canonical(value):
    if isinstance(value, dict):
        if any(isinstance(v, (dict, list, float)) or v is None for v in value.values()):
            raise ValueError("not a flat object")
        if any(isinstance(v, int) and not isinstance(v, bool) and abs(v) > 2**53 - 1 for v in value.values()):
            raise ValueError("not a safe integer")
        value = dict(sorted(value.items(), key=lambda item: item[0].encode("utf-16-be")))
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    return text.encode("utf-8")


def commitment(group):
    if "hash" in group:
        if set(group) != {"hash"} or not re.fullmatch("[0-9a-f]{64}", group["hash"]):
            raise ValueError("hash")
        return group["hash"], True
    if not re.fullmatch("[0-9a-f]{32}", group["salt"]):
        raise ValueError("salt")
    return sha(bytes.fromhex(group["salt"]), canonical(group["fields"])).hex(), False


def leaf_of(event):
    """(node id, seq, leaf hash, erased), or None."""
    try:
        public = event["public"]
        (p1, e1), (p2, e2) = commitment(event["p1"]), commitment(event["p2"])
        if {"p1", "p2", "v"} & set(public) or type(public["seq"]) is not int or type(public["node_id"]) is not str:
            return None
        data = canonical({**public, "p1": p1, "p2": p2, "v": 1})
        return public["node_id"], public["seq"], sha(b"\x00", data), e1 or e2
    except (KeyError, TypeError, ValueError, AttributeError):
        return None


class Range:
    """RFC 6962 over leaves as they come."""

    def __init__(self):
        self.size, self.hashes = 0, []

    def append(self, leaf, subtrees=None):
        rest, level = self.size, 0
        while rest & 1:
            leaf, rest, level = node(self.hashes.pop(), leaf), rest >> 1, level + 1
            if subtrees is not None:
                subtrees.append((level, rest, leaf))
        self.hashes.append(leaf)
        self.size += 1

    def root(self):
        root = None
        for value in reversed(self.hashes):
            root = value if root is None else node(value, root)
        return sha() if root is None else root


# Notes and keys.
def b64(text):
    try:
        data = base64.b64decode(text, validate=True)
    except ValueError:
        return None
    return data if base64.b64encode(data).decode() == text else None


def parse_note(note):
    if not isinstance(note, str) or re.search("[\x00-\x09\x0b-\x1f\x7f]", note) or not note.endswith("\n") or "\n\n" not in note:
        return None
    text, lines = note[: note.rindex("\n\n") + 1], note[note.rindex("\n\n") + 2 : -1].split("\n")
    signatures = []
    for line in lines:
        match = re.fullmatch("— ([^ ]+) ([^ ]+)", line)
        data = match and b64(match[2])
        if not data or len(data) <= 4:
            return None
        signatures.append((match[1], data[:4], data[4:]))
    return text, signatures


def parse_key(text):
    match = re.fullmatch(r"([^+\s]+)\+([0-9a-f]{8})\+(.+)", text)
    data = match and b64(match[3])
    if not data or len(data) != 33 or data[0] != 1 or sha(match[1].encode(), b"\n", data)[:4].hex() != match[2]:
        return None
    return match[1], bytes.fromhex(match[2]), data[1:]


def verify_note(note, keys):
    """The key that signed; "bad"; or None when none is known."""
    signer = None
    for name, key_id, signature in note[1]:
        for key in keys:
            if key[:2] == (name, key_id):
                if not signed(key[2], note[0].encode(), signature):
                    return "bad"
                signer = signer or key
    return signer


def follow_keys(text, node_id, trusted):
    """[(key, from, to)], or None."""
    try:
        chain = json.loads(text)
        keys, handovers = chain["keys"], chain["handovers"]
        if chain["format"] != 1 or len(keys) != len(handovers) + 1:
            return None
        parsed = [parse_key(key) for key in keys]
    except (ValueError, KeyError, TypeError):
        return None
    if any(key is None or key[0] != "daybook/" + node_id for key in parsed):
        return None
    spans, start, is_trusted = [], 0, not trusted
    for n, key in enumerate(parsed):
        is_trusted, end = is_trusted or keys[n] in trusted, float("inf")
        if n < len(handovers):
            note = parse_note(handovers[n])
            size = note and re.search(r"^from (\d{1,15})$", note[0], re.M)
            if not size or note[0] != f"daybook/{node_id}\nnext key {keys[n + 1]}\nfrom {size[1]}\n":
                return None
            end = int(size[1])
            if verify_note(note, [key]) != key or end < start:
                return None
        if is_trusted:
            spans.append((key, start, end))
        start = end
    return spans or None


def parse_checkpoint(note):
    lines = note[0][:-1].split("\n")
    if len(lines) < 3 or "" in lines or not re.fullmatch(r"0|[1-9]\d*", lines[1]):
        return None
    root = b64(lines[2])
    return (lines[0], int(lines[1]), root) if root and len(root) == 32 else None


def check_note(text, node_id, spans, say):
    """(size, root) of a good checkpoint."""
    note = parse_note(text)
    checkpoint = note and parse_checkpoint(note)
    if not checkpoint or checkpoint[0] != "daybook/" + node_id:
        return say("TAMPERED")
    key = verify_note(note, [span[0] for span in spans or []])
    if key == "bad":
        return say("TAMPERED")
    if key is None:
        return say("KEY_UNKNOWN")
    if not any(span[0] == key and span[1] <= checkpoint[1] <= span[2] for span in spans):
        return say("TAMPERED")
    return checkpoint[1:]


# Proofs and bundles.
def verify_proof(proof, trusted):
    found = []
    leaf = leaf_of(proof.get("event") or {})
    if leaf is None:
        return ["TAMPERED"]
    node_id, seq, value, erased = leaf
    checkpoint = check_note(proof["checkpoint"], node_id, follow_keys(proof["keys"], node_id, trusted), found.append)
    if checkpoint is None:
        return found
    index, last = seq - 1, checkpoint[0] - 1
    if index < 0 or index > last:
        return ["TAMPERED"]
    for text in proof["path"]:
        if last == 0 or not re.fullmatch("[0-9a-f]{64}", str(text)):
            return ["TAMPERED"]
        sibling = bytes.fromhex(text)
        if index & 1 or index == last:
            value = node(sibling, value)
            while not index & 1 and index:
                index, last = index >> 1, last >> 1
        else:
            value = node(value, sibling)
        index, last = index >> 1, last >> 1
    if last or value != checkpoint[1]:
        return ["TAMPERED"]
    return ["VALID_ERASED"] if erased else ["VALID"]


class Log:
    def __init__(self, node_id, log, tiles, trusted, anchors):
        self.node_id, self.found, self.tiles, self.end = node_id, [], tiles, log.get("end")
        self.range, self.seen, self.gaps, self.erased, self.in_order = Range(), set(), [], False, True
        keys, notes = log.get("keys"), log.get("checkpoints") or []
        spans = None if keys is None else follow_keys(keys, node_id, trusted)
        if spans is None and keys is not None:
            self.found.append("KEY_UNKNOWN")
        good = [c for c in (check_note(note, node_id, spans, self.found.append) for note in notes) if c]
        self.sealed, self.size = bool(good), max((size for size, _ in good), default=0)
        self.next = self.size + 1
        if not notes:
            self.found.append("NOT_SEALED")
        roots = [(size, root, "TAMPERED") for size, root in good]
        for size, root in anchors:
            if size > self.size:
                self.found.append("ANCHOR_CONFLICT")
            else:
                roots.append((size, bytes.fromhex(root), "ANCHOR_CONFLICT"))
        self.check_tiles(roots)
        self.covered = self.range.size

    def check_roots(self, roots):
        for size, root, state in roots:
            if size == self.range.size and root != self.range.root():
                self.found.append(state)

    def check_tiles(self, roots):
        self.check_roots(roots)
        for index in range((self.size + 255) // 256):
            width = min(256, self.size - index * 256)
            tile = self.tiles.get((self.node_id, 0, index), b"")
            if len(tile) < width * 32:
                self.found.append("MISSING")
                return
            for n in range(width):
                subtrees = []
                self.range.append(tile[n * 32 : n * 32 + 32], subtrees)
                self.check_roots(roots)
                for level, at, value in subtrees:
                    if level % 8 == 0:
                        upper = self.tiles.get((self.node_id, level // 8, at // 256), b"")[at % 256 * 32 :][:32]
                        if upper != value:
                            self.found.append("TAMPERED" if len(upper) == 32 else "MISSING")

    def add(self, seq, leaf, erased):
        """Whether it is what was sealed."""
        if seq < 1 or seq in self.seen:
            self.found.append("TAMPERED")
            return False
        if seq > self.size:
            if seq < self.next:
                self.in_order = False
                return False
            self.gaps += range(self.next, seq)
            self.next = seq + 1
            if seq == self.range.size + 1:
                self.range.append(leaf)
            return False
        self.seen.add(seq)
        self.erased = self.erased or erased
        tile = self.tiles.get((self.node_id, 0, (seq - 1) // 256), b"")
        expected = tile[(seq - 1) % 256 * 32 :][:32]
        if len(expected) < 32:
            return False
        if expected != leaf:
            self.found.append("TAMPERED")
        return expected == leaf

    def finish(self, removed):
        removed = [told for told in removed if told["node"] == self.node_id]
        ranges = [(told["from_seq"], told["to_seq"]) for told in removed]
        up_to = {}
        for told in removed:
            for key, seq in told.items():
                if key.startswith("after_"):
                    up_to[key[6:]] = max(seq, up_to.get(key[6:], 0))
        removed = [told for told in removed if told["seq"] > up_to.get(told["by"], 0)]
        most = max([told.get("gone", 0) for told in removed], default=0)
        most += sum(told.get(kind, 0) for told in removed for kind in KINDS)
        last = max(self.next - 1, self.end["seq"] if self.end else 0)
        gaps = [seq for seq in range(1, min(self.size, self.covered) + 1) if seq not in self.seen]
        if self.covered >= self.size:
            gaps += [*self.gaps, *range(self.next, last + 1)]
        pruned = [seq for seq in gaps if any(a <= seq <= b for a, b in ranges)]
        if len(pruned) < len(gaps) or len(pruned) > most:
            self.found.append("MISSING")
        if last > self.size:
            is_whole = self.in_order and self.range.size == last
            if not self.in_order or (is_whole and self.end and self.end["seq"] == last and self.range.root().hex() != self.end["root"]):
                self.found.append("TAMPERED")
            if self.sealed:
                self.found.append("UNSEALED_TAIL")
        if self.erased:
            self.found.append("VALID_ERASED")
        if pruned:
            self.found.append("PRUNED")
        return self.found


def verify_bundle(lines, anchors, trusted):
    logs, tiles, events, strange = {}, {}, [], 0
    for text in lines:
        try:
            line = json.loads(text)
            if "log" in line:
                if not {"node_id", "keys", "checkpoints", "end"} <= set(line["log"]):
                    raise ValueError("a log")
                if line["log"]["end"] is not None and not {"seq", "root"} <= set(line["log"]["end"]):
                    raise ValueError("its end")
                logs[line["log"]["node_id"]] = line["log"]
            elif "tile" in line:
                tile = line["tile"]
                tiles[tile["node_id"], tile["level"], tile["index"]] = b64(tile["hashes"]) or b""
            elif "event" in line:
                leaf = leaf_of(line["event"])
                strange += leaf is None
                if leaf is not None:
                    events.append((leaf, line["event"]))
            elif "format" not in line:
                strange += 1
        except (ValueError, KeyError, TypeError):
            strange += 1
    checks = {n: Log(n, log, tiles, trusted, anchors.get(n, [])) for n, log in logs.items()}
    removed, found = [], ["VALID"] + ["TAMPERED"] * bool(strange)
    for (node_id, seq, leaf, erased), event in events:
        if node_id not in checks:
            checks[node_id] = Log(node_id, {}, tiles, trusted, anchors.get(node_id, []))
        if not checks[node_id].add(seq, leaf, erased):
            continue
        public = event["public"]
        if (public.get("kind"), public.get("action")) == ("system", "pruned"):
            try:
                told = json.loads(event["p1"]["fields"]["metadata"])
                if {"node", "from_seq", "to_seq"} <= set(told):
                    removed.append({**told, "by": node_id, "seq": seq})
            except (ValueError, KeyError, TypeError):
                pass
    for check in checks.values():
        found += check.finish(removed)
    found += ["ANCHOR_CONFLICT" for node_id in anchors if node_id not in checks]
    return found


def read_anchors(path):
    anchors = {}
    for text in open(path, encoding="utf-8") if path else []:
        if "{" in text:
            for log in json.loads(text[text.index("{") :]).get("logs", []):
                anchors.setdefault(log["node_id"], []).append((log["size"], log["root"]))
    return anchors


def main(path, anchor_path="", *trusted):
    text = open(path, encoding="utf-8").read()
    try:
        proof = json.loads(text)
        is_proof = proof.get("format") == "daybook-proof/1"
    except (ValueError, AttributeError):
        is_proof = False
    if is_proof:
        found = verify_proof(proof, trusted)
    else:
        found = verify_bundle(filter(str.strip, text.split("\n")), read_anchors(anchor_path), trusted)
    return max(found, key=CODES.get)


if __name__ == "__main__":
    if sys.argv[1:] == ["-"]:
        for line in sys.stdin:
            print(CODES[main(*json.loads(line))], flush=True)
    else:
        worst = main(*sys.argv[1:])
        print(worst)
        sys.exit(CODES[worst])
