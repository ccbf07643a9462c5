import assert from "node:assert/strict";
import { test } from "node:test";
import { Placement } from "../../../frontend/static/viewer/placement.js";

/** A picture of 1000 by 500 px in a port of 400 by 400. @param {number} [pixelRatio] */
function placed(pixelRatio = 1) {
  const placement = new Placement(() => pixelRatio);
  placement.picture = { width: 1000, height: 500 };
  placement.port = { width: 400, height: 400 };
  placement.settle();
  return placement;
}

test("a picture is fitted into the middle of its port", () => {
  assert.deepEqual(placed().view, { scale: 0.4, x: 0, y: 100 });
  assert.deepEqual(placed().span(), [0, 400]);
});

test("it stays fitted when the port changes", () => {
  const placement = placed();
  placement.port = { width: 800, height: 600 };
  placement.settle();
  assert.deepEqual(placement.view, { scale: 0.8, x: 0, y: 100 });
});

test("what is zoomed about stays where it is", () => {
  const placement = placed();
  const about = { x: 120, y: 180 };
  const before = placement.toImage(about);
  placement.zoom(2, about);
  placement.settle();
  assert.deepEqual(placement.toImage(about), before);
  assert.deepEqual(before, { x: 300, y: 200 });
  assert.equal(placement.fitted, false);
});

test("zoom ends at 16 times and at the whole picture", () => {
  const placement = placed();
  placement.zoom(100, placement.middle);
  assert.equal(placement.scale, 16);
  placement.zoom(0.01, placement.middle);
  assert.deepEqual([placement.scale, placement.fitted], [0.4, true]);
});

test("a picture smaller than its port can be seen at 100 %", () => {
  const placement = placed();
  placement.picture = { width: 100, height: 50 };
  placement.settle();
  assert.deepEqual([placement.scale, placement.leastScale], [4, 1]);
});

test("a step stops at 100 % on its way", () => {
  const placement = placed();
  const scales = [];
  for (let step = 0; step < 5; step++) {
    placement.step(1.5);
    scales.push(Number(placement.scale.toFixed(3)));
  }
  assert.deepEqual(scales, [0.6, 0.9, 1, 1.5, 2.25]);
});

test("the picture cannot be moved beyond its edges", () => {
  const placement = placed();
  placement.zoom(1, { x: 0, y: 0 });
  placement.settle();
  placement.pan(50, 50);
  placement.settle();
  assert.deepEqual([placement.x, placement.y], [0, 0]);
  placement.pan(-5000, -5000);
  placement.settle();
  assert.deepEqual([placement.x, placement.y], [-600, -100]);
});

test("what is drawn lies on pixels of the screen", () => {
  const placement = placed(2);
  placement.port = { width: 400, height: 401.3 };
  placement.settle();
  assert.deepEqual(placement.view, { scale: 0.4, x: 0, y: 100.5 });
});
