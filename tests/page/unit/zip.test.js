import assert from "node:assert/strict";
import { test } from "node:test";
import { zip } from "../../../frontend/static/files/zip.js";

/** The files of a ZIP by its central directory: name and content. @param {Blob} blob */
async function unpacked(blob) {
  const bytes = Buffer.from(await blob.arrayBuffer());
  const end = bytes.length - 22;
  assert.equal(bytes.readUInt32LE(end), 0x06054b50);
  const files = [];
  let at = bytes.readUInt32LE(end + 16);
  for (let left = bytes.readUInt16LE(end + 10); left > 0; left--) {
    assert.equal(bytes.readUInt32LE(at), 0x02014b50);
    assert.equal(bytes.readUInt16LE(at + 10), 0); // stored
    const [size, length, local] = [
      bytes.readUInt32LE(at + 24),
      bytes.readUInt16LE(at + 28),
      bytes.readUInt32LE(at + 42),
    ];
    const start = local + 30 + bytes.readUInt16LE(local + 26);
    assert.equal(bytes.readUInt32LE(local), 0x04034b50);
    assert.deepEqual(bytes.subarray(local + 14, local + 26), bytes.subarray(at + 16, at + 28)); // checksum and sizes
    files.push([bytes.toString("utf8", at + 46, at + 46 + length), bytes.toString("utf8", start, start + size)]);
    at += 46 + length;
  }
  assert.equal(at, end);
  return files;
}

/** @param {string[]} names */
async function namesOf(...names) {
  const files = await unpacked(await zip(names.map((name) => ({ name, blob: new Blob([name]) }))));
  return files.map(([name]) => name);
}

test("files are stored as they are", async () => {
  const files = [
    { name: "cat.png", blob: new Blob(["first"]) },
    { name: "perro azul.png", blob: new Blob([]) },
    { name: "猫.png", blob: new Blob(["third, longer"]) },
  ];
  const packed = await zip(files);
  assert.equal(packed.type, "application/zip");
  assert.deepEqual(await unpacked(packed), [
    ["cat.png", "first"],
    ["perro azul.png", ""],
    ["猫.png", "third, longer"],
  ]);
});

test("the checksum of a file is its CRC-32", async () => {
  const bytes = Buffer.from(await (await zip([{ name: "a", blob: new Blob(["123456789"]) }])).arrayBuffer());
  assert.equal(bytes.readUInt32LE(14), 0xcbf43926);
});

test("no files make an empty ZIP", async () => {
  assert.deepEqual(await unpacked(await zip([])), []);
});

test("names that occur twice get a number", async () => {
  assert.deepEqual(await namesOf("cat.png", "cat.png", "CAT.png", "cat (2).png"), [
    "cat.png",
    "cat (2).png",
    "CAT (3).png",
    "cat (2) (2).png",
  ]);
});

test("names are safe everywhere", async () => {
  assert.deepEqual(await namesOf("../a:b?.png", ".hidden", "", "tab\there"), [
    "-a-b-.png",
    "hidden",
    "file",
    "tab-here",
  ]);
});

test("more files than the format holds are refused", async () => {
  const blob = new Blob([]);
  await assert.rejects(zip(Array.from({ length: 65_536 }, (_, index) => ({ name: `${index}`, blob }))), RangeError);
});
