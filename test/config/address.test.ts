// Addresses to listen on.
import assert from "node:assert/strict";
import { test } from "node:test";
import { isLoopback, listenText, parseListen } from "../../src/config/address.ts";

test("host and port are read from names, IPv4 and bracketed IPv6, and written the same", () => {
  for (const [text, host, port] of [
    ["127.0.0.1:4141", "127.0.0.1", 4141],
    ["0.0.0.0:0", "0.0.0.0", 0],
    ["localhost:65535", "localhost", 65_535],
    ["gateway-1.example.com:80", "gateway-1.example.com", 80],
    ["[::1]:4141", "::1", 4141],
    ["[2001:db8::7]:80", "2001:db8::7", 80],
  ] as const) {
    assert.deepEqual(parseListen(text), { host, port });
    assert.equal(listenText({ host, port }), text);
  }
});

test("what is neither is refused", () => {
  for (const text of [
    "",
    "4141",
    ":4141",
    "127.0.0.1",
    "127.0.0.1:",
    "127.0.0.1:65536",
    "127.0.0.1:-1",
    "127.0.0.1:80x",
    "::1:4141",
    "[::1]",
    "[127.0.0.1]:80",
    "[::g]:80",
    "a b:80",
    "-a:80",
    "http://localhost:80",
    "localhost:80\n",
  ]) {
    assert.equal(parseListen(text), null, text);
  }
});

test("only 127.0.0.0/8, ::1, their mapped forms and localhost are loopback", () => {
  for (const address of [
    "127.0.0.1",
    "127.255.255.254",
    "::1",
    "[::1]",
    "0:0:0:0:0:0:0:1",
    "::ffff:127.0.0.1",
    "::ffff:7f00:1",
    "localhost",
    "LOCALHOST",
  ]) {
    assert.equal(isLoopback(address), true, address);
  }
  for (const address of [
    "0.0.0.0",
    "::",
    "10.0.0.1",
    "128.0.0.1",
    "126.255.255.255",
    "::2",
    "::ffff:10.0.0.1",
    "fe80::1",
    "fe80::1%lo",
    "",
    "127.1",
    "0177.0.0.1",
    "127.0.0.1.example.com",
    "localhost.example.com",
    "2130706433",
  ]) {
    assert.equal(isLoopback(address), false, address);
  }
});
