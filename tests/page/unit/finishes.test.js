/** The finished pictures of tests/picture/finishes.json, which the server makes by the same rule: test_finishes.py says what a case is. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { composed } from "../../../frontend/static/compose/compose.js";

const CASES = JSON.parse(readFileSync(new URL("../../picture/finishes.json", import.meta.url), "utf8"));
const NEAR = 0.002;

for (const { photo, object, options, size, placed, alpha, red, pixels = [] } of CASES) {
  test(`a picture is finished by the rule: ${JSON.stringify(options)}`, () => {
    const [width, height] = photo;
    const cutout = { width, height, data: new Uint8ClampedArray(width * height * 4) };
    const [x0, y0, x1, y1] = object;
    for (let y = y0; y < y1; y++) {
      for (let x = x0; x < x1; x++) cutout.data.set([200, 0, 0, 255], (y * width + x) * 4);
    }
    const picture = composed(cutout, { ...options, margin: String(options.margin ?? "0") }, []);
    assert.deepEqual([picture.width, picture.height], size);
    let [opacity, redness] = [0, 0];
    const box = [Infinity, Infinity, 0, 0];
    for (let at = 0; at < picture.data.length; at += 4) {
      opacity += picture.data[at + 3];
      redness += (picture.data[at] * picture.data[at + 3]) / 255;
      if (picture.data[at + 3] <= 127 || picture.data[at] <= 100) continue;
      const [x, y] = [(at / 4) % picture.width, Math.floor(at / 4 / picture.width)];
      box[0] = Math.min(box[0], x);
      box[1] = Math.min(box[1], y);
      box[2] = Math.max(box[2], x + 1);
      box[3] = Math.max(box[3], y + 1);
    }
    if (placed) assert.deepEqual([box[0], box[1], box[2] - box[0], box[3] - box[1]], placed);
    for (const [what, sum, wanted] of [
      ["alpha", opacity, alpha],
      ["red", redness, red],
    ]) {
      assert.ok(Math.abs(sum - wanted) <= NEAR * wanted, `${what}: ${sum}, not ${wanted}`);
    }
    for (const [x, y, wanted] of pixels) {
      const pixel = [...picture.data.subarray((y * picture.width + x) * 4, (y * picture.width + x + 1) * 4)];
      const seen = (/** @type {number[]} */ [r, g, b, a]) => [(r * a) / 255, (g * a) / 255, (b * a) / 255, a];
      const worst = Math.max(...seen(pixel).map((value, at) => Math.abs(value - seen(wanted)[at])));
      assert.ok(worst <= 2, `${pixel} at ${x}, ${y}, not ${wanted}`);
    }
  });
}
