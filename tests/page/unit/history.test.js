import assert from "node:assert/strict";
import { test } from "node:test";
import { History } from "../../../frontend/static/brush/history.js";

/** @param {number} x @returns {import("../../../frontend/static/brush/history.js").Stroke} */
const stroke = (x) => ({ mode: "erase", radius: 1, edges: false, path: [{ x, y: 0 }] });
/** 400 bytes. @param {number} x */
const patch = (x) => [{ x, y: 0, width: 10, height: 10, data: new Uint8ClampedArray(400) }];
/** @param {History} history */
const left = (history) => history.strokes.map(({ path }) => path[0].x);

/** @param {number} count @param {number} [limit] */
function drawn(count, limit) {
  const history = new History(limit);
  for (let x = 1; x <= count; x++) history.push(stroke(x), patch(x));
  return history;
}

test("nothing can be undone or redone at first", () => {
  const history = new History();
  assert.deepEqual([history.canUndo, history.canRedo, history.strokes], [false, false, []]);
  assert.throws(() => history.undo(), /nothing can be undone/);
  assert.throws(() => history.redo(() => []), /nothing can be redone/);
});

test("undo gives back what was replaced, the newest first", () => {
  const history = drawn(2);
  assert.equal(history.undo()[0].x, 2);
  assert.deepEqual(left(history), [1]);
  assert.equal(history.undo()[0].x, 1);
  assert.deepEqual([history.canUndo, history.canRedo], [false, true]);
});

test("redo draws again what was undone last", () => {
  const history = drawn(2);
  history.undo();
  history.undo();
  /** @type {number[]} */
  const again = [];
  const draw = (/** @type {ReturnType<typeof stroke>} */ { path }) => {
    again.push(path[0].x);
    return patch(path[0].x + 100);
  };
  history.redo(draw);
  history.redo(draw);
  assert.deepEqual(again, [1, 2]);
  assert.equal(history.canRedo, false);
  assert.equal(history.undo()[0].x, 102);
});

test("a new stroke ends redoing", () => {
  const history = drawn(2);
  history.undo();
  history.push(stroke(3), patch(3));
  assert.equal(history.canRedo, false);
  assert.deepEqual(left(history), [1, 3]);
});

test("replay draws all in their order and keeps what each replaces there", () => {
  const history = drawn(3);
  history.undo();
  history.replay(({ path }) => patch(path[0].x + 10));
  assert.deepEqual(left(history), [1, 2]);
  assert.equal(history.canRedo, true);
  assert.equal(history.undo()[0].x, 12);
});

test("beyond the limit the oldest strokes stay, but cannot be undone", () => {
  const history = drawn(3, 1000);
  assert.deepEqual([history.undo()[0].x, history.undo()[0].x, history.canUndo], [3, 2, false]);
  assert.deepEqual(left(history), [1]);
});

test("the newest stroke can be undone whatever its size", () => {
  assert.equal(drawn(1, 10).canUndo, true);
});
