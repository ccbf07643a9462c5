import assert from "node:assert/strict";
import { test } from "node:test";
import { turnedBack, turnOf } from "../../../frontend/static/compose/turn.js";
import { turned } from "../../../frontend/static/compose/turned.js";

/** 5 by 4 pixels of which each differs; the outer ones are transparent, so that 3 by 2 are turned. */
const CUTOUT = { width: 5, height: 4, data: new Uint8ClampedArray(5 * 4 * 4) };
const BOX = [1, 1, 4, 3];
for (let y = 1; y < 3; y++) {
  for (let x = 1; x < 4; x++) CUTOUT.data.set([10 * x, 20 * y, 3 * x * y, 255 - x - y], (y * 5 + x) * 4);
}

/** @param {import("../../../frontend/static/files/png.js").Pixels} pixels @param {number} x @param {number} y */
function at({ width, data }, x, y) {
  return [...data.subarray((y * width + x) * 4, (y * width + x + 1) * 4)];
}

for (const degrees of [90, 180, -90, -180]) {
  test(`turned by ${degrees} degrees every pixel is where it came from`, () => {
    const turn = turnOf(BOX, degrees);
    const part = turned(CUTOUT, BOX, turn);
    assert.deepEqual([part.width, part.height], Math.abs(degrees) === 90 ? [2, 3] : [3, 2]);
    for (let y = 0; y < part.height; y++) {
      for (let x = 0; x < part.width; x++) {
        const from = turnedBack([part.x + x + 0.5, part.y + y + 0.5], turn);
        assert.deepEqual(at(part, x, y), at(CUTOUT, Math.floor(from.x), Math.floor(from.y)));
      }
    }
  });
}

test("a point comes back from where it was turned to", () => {
  const turn = turnOf([10, 20, 110, 60], 30);
  const middle = turnedBack([60, 40], turn);
  assert.ok(Math.hypot(middle.x - 60, middle.y - 40) < 1e-9);
  const right = turnedBack([60 + 50 * Math.cos(Math.PI / 6), 40 + 50 * Math.sin(Math.PI / 6)], turn); // clockwise
  assert.ok(Math.hypot(right.x - 110, right.y - 40) < 1e-9);
});
