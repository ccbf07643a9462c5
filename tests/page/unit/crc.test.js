import assert from "node:assert/strict";
import { test } from "node:test";
import { crc32 } from "../../../frontend/static/files/crc.js";

for (const [text, sum] of /** @type {[string, number][]} */ ([
  ["", 0],
  ["123456789", 0xcbf43926], // the check value of the CRC catalogues
  ["IEND", 0xae426082], // the last four bytes of every PNG file
  ["The quick brown fox jumps over the lazy dog", 0x414fa339],
])) {
  test(`the checksum of "${text}"`, () => {
    assert.equal(crc32(new TextEncoder().encode(text)), sum);
  });
}
