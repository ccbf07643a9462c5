import assert from "node:assert/strict";
import { test } from "node:test";
import { fileName } from "../../../frontend/static/files/naming.js";

/** @type {[string | undefined, string, string[], string][]} pattern, photo, what was cut out, file */
const ROWS = [
  [undefined, "Photo 1", ["potted plant", "猫"], "Photo 1-potted-plant-猫.jpg"],
  [undefined, "a", [], "a-cut-out.jpg"],
  ["{object}_{name}", "IMG_01", ["cat"], "cat_IMG_01.jpg"],
  ["sku-{number}", "a", ["cat"], "sku-07.jpg"],
  ["{object} {object}", "a", ["cat"], "cat cat.jpg"],
  ["{colour}", "a", ["cat"], "colour.jpg"],
  ["../{name}:\\*?", "a/b", ["cat"], "a-b.jpg"],
  [".{name}. ", "a", [], "a.jpg"],
  ["", "a", ["cat"], "cat.jpg"],
  ["/", "a", [], "cut-out.jpg"],
  ["{name}", "x".repeat(300), [], `${"x".repeat(80)}.jpg`],
];

for (const [pattern, stem, names, expected] of ROWS) {
  test(`${stem.slice(0, 9)} of ${names} is called after ${pattern}`, () => {
    assert.equal(fileName({ stem, names, number: 7, pattern }, "image/jpeg"), expected);
  });
}
