import assert from "node:assert/strict";
import { test } from "node:test";
import { Pace } from "../../../frontend/static/album/pace.js";

/** @type {[string, number[], number, ReturnType<Pace["left"]>][]} seconds that each took; how many are left */
const ROWS = [
  ["nothing is said of two", [2, 2], 10, null],
  ["nor when none is left", [2, 2, 2], 0, null],
  ["as the others took, in steps of five seconds", [2, 2, 2], 8, { unit: "seconds", count: 20 }],
  ["never none", [0.1, 0.1, 0.1], 1, { unit: "seconds", count: 5 }],
  ["whole minutes, rounded up", [4, 4, 4], 30, { unit: "minutes", count: 2 }],
  ["no more than a minute of seconds", [4, 4, 4], 14, { unit: "minutes", count: 1 }],
  ["what was there before counts no longer", [0, 0, 0, 3, 3, 3, 3, 3], 10, { unit: "seconds", count: 30 }],
];

for (const [what, took, others, told] of ROWS) {
  test(`the time left: ${what}`, () => {
    const pace = new Pace(1000);
    let now = 1000;
    for (const seconds of took) {
      now += seconds * 1000;
      pace.done(now);
    }
    assert.deepEqual(pace.left(others), told);
  });
}
