import assert from "node:assert/strict";
import { test } from "node:test";
import { alphaPlane, coverage, decode } from "../../../frontend/static/objects/masks.js";
import { outline } from "../../../frontend/static/objects/outline.js";

/** Run lengths as COCO packs them. @param {number[]} runs */
function packed(runs) {
  let text = "";
  for (const [index, run] of runs.entries()) {
    let value = index > 2 ? run - runs[index - 2] : run;
    for (let more = true; more; ) {
      const group = value & 31;
      value >>= 5;
      more = group & 16 ? value !== -1 : value !== 0;
      text += String.fromCharCode((more ? group | 32 : group) + 48);
    }
  }
  return text;
}

/** A mask from rows of "#" and ".". @param {string[]} rows */
function mask(...rows) {
  const cells = [...rows[0]].flatMap((_, column) => rows.map((row) => row[column] === "#"));
  const runs = [0];
  let inside = false;
  for (const cell of cells) {
    if (cell !== inside) runs.push(0);
    inside = cell;
    runs[runs.length - 1]++;
  }
  return decode({ size: [rows.length, rows[0].length], counts: packed(runs) });
}

test("counts are read as pycocotools writes them", () => {
  // pycocotools.mask.encode of 3 rows by 4 columns with the pixels (row 1, column 1) and (rows 1 and 2, column 2) set
  const { spans, box, width, height } = decode({ size: [3, 4], counts: "41211" });
  assert.deepEqual([width, height], [4, 3]);
  assert.deepEqual([...spans], [1, 1, 2, 2, 1, 3]);
  assert.deepEqual(box, [1, 1, 3, 3]);
  // 40 by 60 with the rectangle from (7, 5) to (50, 35) set and a hole from (20, 10) to (30, 20)
  const counts =
    "m8n0:000000000000000000000000WO0:0F0:0F0:0F0:0F0:0F0:0F0:0F0:0F0:0F0:0?00000000000000000000000000000000000000[<";
  const framed = decode({ size: [40, 60], counts });
  assert.deepEqual(framed.box, [7, 5, 50, 35]);
  const lengths = framed.spans.map((_, index) => (index % 3 ? 0 : framed.spans[index + 2] - framed.spans[index + 1]));
  assert.equal(
    lengths.reduce((sum, length) => sum + length),
    1190,
  );
});

test("a run that goes on in the next column is two spans", () => {
  assert.deepEqual([...mask("..", "##", "##").spans], [0, 1, 3, 1, 1, 3]);
  assert.deepEqual([...mask("##", "##").spans], [0, 0, 2, 1, 0, 2]);
});

test("an empty mask has an empty box and no outline", () => {
  const empty = mask("...", "...");
  assert.deepEqual([[...empty.spans], empty.box, outline(empty)], [[], [0, 0, 0, 0], ""]);
});

test("counts of another size are refused", () => {
  assert.throws(() => decode({ size: [3, 5], counts: "41211" }), /12 of 15 pixels/);
});

test("cells of a coarser grid hold the covered share", () => {
  const { spans, ...rest } = mask("##..", "#...", "....", "...#");
  const half = coverage({ spans, ...rest }, 0.5, 0.5, [0, 0, 2, 2]);
  assert.deepEqual([...half], [0.75, 0, 0, 0.25]);
});

test("alpha is smoothed by weights 1, 2, 1 in both directions", () => {
  const { x, y, width, height, alpha } = alphaPlane(mask(".....", ".....", "..#..", ".....", "....."), 5, 5);
  assert.deepEqual([x, y, width, height], [1, 1, 3, 3]);
  assert.deepEqual([...alpha], [16, 32, 16, 32, 64, 32, 16, 32, 16]);
});

test("alpha does not fade where the photo ends", () => {
  assert.deepEqual([...alphaPlane(mask("##", "##"), 2, 2).alpha], [255, 255, 255, 255]);
});

test("an outline runs clockwise around the mask", () => {
  const square = decode({
    size: [80, 80],
    counts: packed([20 * 80 + 20, ...Array(39).fill([40, 40]).flat(), 40, 1620]),
  });
  const points = [...outline(square).matchAll(/([\d.]+) ([\d.]+)/g)].map(([, x, y]) => [Number(x), Number(y)]);
  const area = points.reduce((sum, [x, y], index) => {
    const [nextX, nextY] = points[(index + 1) % points.length];
    return sum + (x * nextY - nextX * y) / 2;
  }, 0);
  assert.ok(Math.abs(area - 1600) < 48, `${area}`);
  assert.deepEqual([Math.min(...points.flat()), Math.max(...points.flat())], [20, 60]);
});

test("a hole is a ring of its own", () => {
  const rows = Array.from({ length: 12 }, (_, row) => (row > 3 && row < 8 ? "####....####" : "############"));
  assert.equal(outline(mask(...rows)).match(/M/g)?.length, 2);
});

test("what is thinner than a cell is outlined by its box", () => {
  assert.equal(
    outline({
      width: 3000,
      height: 200,
      spans: Uint32Array.from({ length: 2980 * 3 }, (_, i) => [10 + i / 3, 90, 91][i % 3]),
      box: [10, 90, 2990, 91],
    }),
    "M10 90L2990 90L2990 91L10 91Z",
  );
});
