import assert from "node:assert/strict";
import { test } from "node:test";
import { resampled, taps } from "../../../frontend/static/compose/resample.js";

/** A picture of 9 by 7 pixels: every one differs, alpha rises to the right. */
const PICTURE = { x: 0, y: 0, width: 9, height: 7, data: new Uint8ClampedArray(9 * 7 * 4) };
for (let y = 0; y < 7; y++) {
  for (let x = 0; x < 9; x++) {
    const alpha = Math.min(Math.max(x * 50 - 40 + y * 9, 0), 255);
    const colour = [(x * 37 + y * 11) % 256, (x * 5 + y * 67) % 256, (x * 91 + y * 3) % 256];
    PICTURE.data.set(alpha ? [...colour, alpha] : [0, 0, 0, 0], (y * 9 + x) * 4);
  }
}

/** What Pillow makes of it: `resize((4, 3), LANCZOS)`. */
const SMALL = [
  23, 92, 185, 11, 111, 80, 99, 105, 201, 88, 112, 224, 67, 99, 147, 255, 44, 121, 166, 23, 148, 136, 106, 129, 195,
  151, 122, 238, 73, 165, 153, 255, 58, 98, 143, 39, 196, 102, 114, 152, 154, 112, 130, 250, 54, 122, 159, 255,
];

/** @param {number} width @param {number} height @param {number[] | null} limits */
function whole(width, height, limits) {
  return { width, height, corner: [0, 0], scale: [9 / width, 7 / height], limits };
}

test("a picture is made smaller as Pillow makes it", () => {
  const { width, height, data } = resampled(PICTURE, whole(4, 3, [0, 0, 9, 7]));
  assert.deepEqual([width, height], [4, 3]);
  const worst = Math.max(...SMALL.map((value, at) => Math.abs(value - data[at])));
  assert.ok(worst <= 2, `${worst} off: ${data}`);
});

test("at its own size alpha and every opaque pixel stay", () => {
  const { data } = resampled(PICTURE, whole(9, 7, null));
  for (let at = 0; at < data.length; at += 4) {
    assert.equal(data[at + 3], PICTURE.data[at + 3]);
    if (data[at + 3] === 255) assert.deepEqual(data.subarray(at, at + 4), PICTURE.data.subarray(at, at + 4));
  }
});

test("without limits a picture fades towards what is transparent around it", () => {
  const edge = (/** @type {number[] | null} */ limits) => resampled(PICTURE, whole(4, 3, limits)).data[4 * 4 + 15];
  assert.equal(edge([0, 0, 9, 7]), 255);
  assert.ok(edge(null) < 255);
});

test("what lies beyond the picture that is shown is transparent", () => {
  const { data } = resampled(PICTURE, { width: 4, height: 4, corner: [100, 100], scale: [2, 2], limits: null });
  assert.ok(data.every((value) => value === 0));
});

test("the weights of every cell add up to one", () => {
  for (const scale of [0.4, 1, 3.7]) {
    for (const { weights } of taps(5, 10, scale, [-100, 100], [-100, 100])) {
      assert.ok(Math.abs(weights.reduce((sum, weight) => sum + weight, 0) - 1) < 1e-9);
    }
  }
});
