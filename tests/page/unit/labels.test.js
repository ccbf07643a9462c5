import assert from "node:assert/strict";
import { test } from "node:test";
import { placeLabels } from "../../../frontend/static/objects/labels.js";

const PHOTO = /** @type {const} */ ([200, 100, 48]); // width, height, side of a small object

test("a label is above its object, in the middle", () => {
  assert.deepEqual(placeLabels([{ box: [50, 40, 150, 90], size: [30, 10] }], ...PHOTO), [
    { x: 85, y: 26, crowded: false },
  ]);
});

test("a label stays inside of the photo", () => {
  assert.deepEqual(placeLabels([{ box: [0, 0, 20, 90], size: [60, 10] }], ...PHOTO), [{ x: 4, y: 4, crowded: false }]);
});

test("labels keep clear of each other, the last has the first choice", () => {
  const box = [50, 40, 150, 90];
  const [first, last] = placeLabels(
    [
      { box, size: [30, 10] },
      { box, size: [30, 10] },
    ],
    ...PHOTO,
  );
  assert.deepEqual(last, { x: 85, y: 26, crowded: false });
  assert.equal(first.crowded, false);
  assert.ok(Math.abs(first.x - last.x) >= 30 || Math.abs(first.y - last.y) >= 10);
});

test("a label without a clear place is crowded", () => {
  const box = [0, 0, 60, 30];
  const labels = Array.from({ length: 4 }, () => ({ box, size: [52, 22] }));
  const places = placeLabels(labels, 60, 30, 48);
  assert.deepEqual(
    places.map(({ crowded }) => crowded),
    [true, true, true, false],
  );
});
