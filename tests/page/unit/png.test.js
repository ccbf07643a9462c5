import assert from "node:assert/strict";
import { test } from "node:test";
import { deflateSync, inflateSync } from "node:zlib";
import { crc32 } from "../../../frontend/static/files/crc.js";
import { decode, encode, sizeOf } from "../../../frontend/static/files/png.js";

const PIXELS = {
  width: 2,
  height: 2,
  data: Uint8ClampedArray.of(255, 0, 0, 255, 10, 20, 30, 40, 0, 0, 0, 0, 9, 8, 7, 1),
};
const FILTERED = [1, 255, 0, 0, 255, 11, 20, 30, 41, 1, 0, 0, 0, 0, 9, 8, 7, 1]; // differences to the left, modulo 256

/** @param {Blob} blob */
async function bytesOf(blob) {
  return Buffer.from(await blob.arrayBuffer());
}

/** @param {string} kind @param {Buffer} content */
function chunk(kind, content) {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(content.length);
  const sum = Buffer.alloc(4);
  sum.writeUInt32BE(crc32(Buffer.concat([Buffer.from(kind), content])));
  return Buffer.concat([length, Buffer.from(kind), content, sum]);
}

/**
 * A PNG file of 2 by 2 pixels.
 * @param {{kind?: number[], rows?: number[]}} how bits, colour type and so on; filtered rows
 */
function file({ kind = [8, 6, 0, 0, 0], rows = FILTERED } = {}) {
  const packed = deflateSync(Uint8Array.from(rows));
  return Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    chunk("IHDR", Buffer.from([0, 0, 0, 2, 0, 0, 0, 2, ...kind])),
    chunk("tEXt", Buffer.from("Comment\0not needed")),
    chunk("IDAT", packed.subarray(0, 5)), // in two parts, as files may be
    chunk("IDAT", packed.subarray(5)),
    chunk("IEND", Buffer.alloc(0)),
  ]);
}

test("a picture is written as the format says", async () => {
  const bytes = await bytesOf(await encode(PIXELS));
  assert.deepEqual([...bytes.subarray(0, 8)], [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  assert.equal(bytes.readUInt32BE(16), 2);
  assert.equal(bytes.readUInt32BE(20), 2);
  assert.deepEqual([...bytes.subarray(24, 29)], [8, 6, 0, 0, 0]);
  const start = bytes.indexOf("IDAT");
  const content = bytes.subarray(start + 4, start + 4 + bytes.readUInt32BE(start - 4));
  assert.deepEqual([...inflateSync(content)], FILTERED);
  assert.equal(bytes.subarray(-12).toString("hex"), "0000000049454e44ae426082");
});

for (const [what, channels, colourType] of /** @type {[string, number, number][]} */ ([
  ["grey", 1, 0],
  ["opaque", 4, 2],
])) {
  test(`a picture that is ${what} has no alpha in its file`, async () => {
    const data = new Uint8ClampedArray(2 * 2 * channels).fill(255);
    data[0] = 7;
    const bytes = await bytesOf(await encode({ width: 2, height: 2, data }));
    assert.deepEqual([...bytes.subarray(24, 29)], [8, colourType, 0, 0, 0]);
    const start = bytes.indexOf("IDAT");
    const rows = inflateSync(bytes.subarray(start + 4, start + 4 + bytes.readUInt32BE(start - 4)));
    assert.deepEqual([...rows.subarray(0, 3)], [1, 7, channels === 1 ? 248 : 255]);
  });
}

test("the size is read from a file's beginning", async () => {
  assert.deepEqual(await sizeOf(await encode(PIXELS)), { width: 2, height: 2 });
  assert.equal(await sizeOf(new Blob(["RIFF"])), null);
});

test("every chunk has its checksum", async () => {
  const bytes = await bytesOf(await encode(PIXELS));
  const kinds = [];
  for (let at = 8; at < bytes.length; at += 12 + bytes.readUInt32BE(at)) {
    const length = bytes.readUInt32BE(at);
    kinds.push(bytes.toString("latin1", at + 4, at + 8));
    assert.equal(bytes.readUInt32BE(at + 8 + length), crc32(bytes.subarray(at + 4, at + 8 + length)));
  }
  assert.deepEqual(kinds, ["IHDR", "IDAT", "IEND"]);
});

test("a picture is read to the same bits, half transparent ones too", async () => {
  assert.deepEqual(await decode(await encode(PIXELS)), PIXELS);
  assert.deepEqual(await decode(new Blob([file()])), PIXELS);
});

for (const [what, how] of /** @type {[string, Parameters<typeof file>[0]][]} */ ([
  ["of 16 bits", { kind: [16, 6, 0, 0, 0] }],
  ["without alpha", { kind: [8, 2, 0, 0, 0] }],
  ["interlaced", { kind: [8, 6, 0, 0, 1] }],
  ["with another filter", { rows: [2, ...FILTERED.slice(1)] }],
])) {
  test(`a PNG ${what} is left to the browser`, async () => {
    assert.equal(await decode(new Blob([file(how)])), null);
  });
}

test("another kind of file is left to the browser", async () => {
  assert.equal(await decode(new Blob(["RIFF\x04\0\0\0WEBP"])), null);
});

test("a file that ends too early is refused", async () => {
  await assert.rejects(decode(new Blob([file({ rows: FILTERED.slice(0, 9) })])), RangeError);
});
