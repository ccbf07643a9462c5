/** Strokes on a small picture of a cut-out, drawn at once with the canvas's own lines: their rims are hard. */

import { VISIBLE } from "./profile.js";

/**
 * Draw strokes on a preview.
 * @param {ImageBitmap} bitmap of the whole photo; is closed
 * @param {ImageBitmap} photo
 * @param {import("./history.js").Stroke[]} strokes
 * @returns {ImageBitmap} as large as `bitmap`
 */
export function sketch(bitmap, photo, strokes) {
  const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
  const context = canvas.getContext("2d");
  if (!context) throw new Error("no canvas for a preview");
  context.drawImage(bitmap, 0, 0);
  context.scale(bitmap.width / photo.width, bitmap.height / photo.height);
  bitmap.close();
  context.lineCap = "round";
  context.lineJoin = "round";
  for (const { mode, radius, path } of strokes) {
    const adds = mode === "add";
    context.globalCompositeOperation = adds ? "source-over" : "destination-out";
    context.strokeStyle = (adds && context.createPattern(photo, "no-repeat")) || "black";
    context.lineWidth = 2 * VISIBLE * radius;
    context.beginPath();
    context.moveTo(path[0].x - 0.1, path[0].y); // a single dab is a line too, and one without length has no ends
    for (const { x, y } of path) context.lineTo(x, y);
    context.stroke();
  }
  return canvas.transferToImageBitmap();
}
