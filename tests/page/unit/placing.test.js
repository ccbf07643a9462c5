import assert from "node:assert/strict";
import { test } from "node:test";
import { NO_ROOM, placed, transform } from "../../../frontend/static/compose/placing.js";

const PHOTO = { width: 1000, height: 700 };
const BOX = [100, 200, 500, 400];

/** @type {[string, import("../../../frontend/static/compose/fields.js").Finish, number[], number[]][]} */
const ROWS = [
  ["as the photo has it", {}, [1000, 700], [0, 0, 1000, 700]],
  ["of another size", { max_size: 500 }, [500, 350], [0, 0, 500, 350]],
  ["never made larger", { max_size: 5000 }, [1000, 700], [0, 0, 1000, 700]],
  ["trimmed", { crop: true }, [400, 200], [-100, -200, 900, 500]],
  ["trimmed with px around it", { crop: true, margin: "12" }, [424, 224], [-88, -188, 912, 512]],
  ["trimmed with a share around it", { crop: true, margin: "5%" }, [440, 240], [-80, -180, 920, 520]],
  ["trimmed and made smaller", { crop: true, max_size: 200 }, [200, 100], [-50, -100, 450, 250]],
  ["on a canvas of some px", { canvas: "800x800" }, [800, 800], [-200, -200, 1800, 1200]],
  ["with a margin on it", { canvas: "800x800", margin: "10%" }, [800, 800], [-80, -80, 1520, 1040]],
  ["at half of its room", { canvas: "800x800", scale: "50%" }, [800, 800], [100, 100, 1100, 800]],
  ["at a place of it", { canvas: "800x800", position: "0% 100%" }, [800, 800], [-200, 0, 1800, 1400]],
  ["on the smallest square", { canvas: "1:1" }, [400, 400], [-100, -100, 900, 600]],
  ["on the smallest upright canvas", { canvas: "4:5", margin: "20" }, [440, 550], [-80, -25, 920, 675]],
  ["on a canvas as large as the photo", { scale: "100" }, [1000, 700], [-250, -400, 2250, 1350]],
  ["a crop besides a canvas changes nothing", { canvas: "1:1", crop: true }, [400, 400], [-100, -100, 900, 600]],
];

for (const [what, finish, size, lies] of ROWS) {
  test(`a cut-out is placed ${what}`, () => {
    const placing = placed(PHOTO, BOX, finish);
    assert.deepEqual([placing.width, placing.height], size);
    const { x, y, scaleX, scaleY } = transform(placing);
    const corners = [x, y, x + PHOTO.width * scaleX, y + PHOTO.height * scaleY];
    assert.deepEqual(
      corners.map((value) => Math.round(value * 1e6) / 1e6 + 0),
      lies,
    );
  });
}

test("a shadow widens what is trimmed, but moves nothing on a canvas", () => {
  const reach = [90, 190, 560, 460];
  assert.equal(placed(PHOTO, BOX, { crop: true }, reach).width, 470);
  assert.deepEqual(placed(PHOTO, BOX, { canvas: "1:1" }, reach), placed(PHOTO, BOX, { canvas: "1:1" }));
});

for (const finish of [
  { canvas: "100x100", margin: "50%" },
  { canvas: "16:9", margin: "50%" },
]) {
  test(`a margin of ${finish.margin} leaves no room on ${finish.canvas}`, () => {
    assert.throws(() => placed(PHOTO, BOX, finish), { name: NO_ROOM });
  });
}
