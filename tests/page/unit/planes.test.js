import assert from "node:assert/strict";
import { test } from "node:test";
import { around, grouped, overlap, put, together } from "../../../frontend/static/objects/planes.js";

/** @param {number} x @param {number} y @param {number[][]} rows of alpha */
function plane(x, y, rows) {
  return { x, y, width: rows[0].length, height: rows.length, alpha: Uint8ClampedArray.from(rows.flat()) };
}

const square = plane(0, 0, [
  [255, 255],
  [255, 255],
]);

test("planes overlap when more than half of the smaller one is inside of the other", () => {
  assert.equal(overlap(square, plane(1, 0, [[255]])), true);
  assert.equal(overlap(square, plane(1, 0, [[255, 255]])), false); // just half
  assert.equal(overlap(square, plane(1, 0, [[255, 127]])), true); // 127 is outside
  assert.equal(overlap(square, plane(2, 0, [[255]])), false);
});

test("groups join through whatever is related", () => {
  const [a, b, c, d] = [1, 2, 3, 4].map((x) => plane(x, 0, [[255]]));
  const near = (/** @type {{x: number}} */ one, /** @type {{x: number}} */ other) => Math.abs(one.x - other.x) === 1;
  assert.deepEqual(
    grouped([a, c, b], near).map((group) => group.map(({ x }) => x).sort()),
    [[1, 2, 3]],
  );
  assert.equal(grouped([a, d], near).length, 2);
  assert.deepEqual(grouped([], near), []);
});

test("within a group the largest alpha counts, groups are added up to 255", () => {
  const soft = plane(1, 0, [[100, 60]]);
  const twin = plane(1, 0, [[90, 80]]);
  const part = { x: 0, y: 0, width: 3, height: 1 };
  assert.deepEqual([...together([[soft, twin]], part).alpha], [0, 100, 80]);
  assert.deepEqual([...together([[soft], [twin]], part).alpha], [0, 190, 140]);
  assert.deepEqual([...together([[square], [soft]], part).alpha], [255, 255, 60]);
});

test("only the part that is asked for is put together", () => {
  const summed = together([[square]], { x: 1, y: 1, width: 2, height: 2 });
  assert.deepEqual(
    summed,
    plane(1, 1, [
      [255, 0],
      [0, 0],
    ]),
  );
});

test("a plane is written over what is there", () => {
  const onto = plane(0, 0, [
    [1, 2, 3],
    [4, 5, 6],
  ]);
  put(onto, plane(1, 1, [[0, 9]]));
  assert.deepEqual([...onto.alpha], [1, 2, 3, 4, 0, 9]);
});

test("the part around planes holds all of them", () => {
  assert.deepEqual(around([plane(3, 5, [[0]]), plane(-1, 7, [[0, 0]])]), { x: -1, y: 5, width: 5, height: 3 });
});
