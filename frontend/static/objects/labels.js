/** Where the labels of objects go. Pure. */

const GAP_PX = 4; // between a label and its object, and between a label and the end of the photo

/**
 * @typedef {{box: number[], size: number[]}} Label the object's box and the label's width and height, px of the screen
 */

/**
 * Find places near the top of the objects, inside the photo, and clear of other labels and of small objects.
 * @param {Label[]} labels the last have the first choice
 * @param {number} width of the photo, px of the screen
 * @param {number} height of the photo, px of the screen
 * @param {number} smallSide px of the screen: an object whose sides are shorter is not to be hidden
 * @returns {{x: number, y: number, crowded: boolean}[]} crowded: no clear place is left
 */
export function placeLabels(labels, width, height, smallSide) {
  const small = labels.filter(({ box }) => Math.max(box[2] - box[0], box[3] - box[1]) < smallSide);
  const occupied = small.map((owner) => ({ owner, box: owner.box }));
  const places = [...labels].reverse().map((owner) => {
    const [x0, y0, x1, y1] = owner.box;
    const [across, down] = owner.size;
    const choices = [];
    for (const y of [y0 - down - GAP_PX, y0 + GAP_PX, y1 + GAP_PX]) {
      for (const x of [(x0 + x1 - across) / 2, x0, x1 - across]) {
        choices.push([within(x, GAP_PX, width - across - GAP_PX), within(y, GAP_PX, height - down - GAP_PX)]);
      }
    }
    const boxes = choices.map(([x, y]) => [x, y, x + across, y + down]);
    const clear = boxes.find((box) => !occupied.some((other) => other.owner !== owner && overlap(box, other.box)));
    if (clear) occupied.push({ owner, box: clear });
    const [x, y] = clear ?? boxes[0];
    return { x, y, crowded: !clear };
  });
  return places.reverse();
}

/** @param {number[]} a @param {number[]} b */
function overlap(a, b) {
  return a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3];
}

/** @param {number} value @param {number} least @param {number} most */
function within(value, least, most) {
  return Math.max(Math.min(value, most), least);
}
