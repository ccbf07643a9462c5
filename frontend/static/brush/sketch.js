/** Strokes on a small picture of a cut-out, as they are drawn on the large one. */

import { Drawing } from "./drawing.js";
import { Picture } from "./picture.js";

/**
 * Draw strokes on a preview.
 * @param {ImageBitmap} bitmap of the whole photo; is closed
 * @param {ImageBitmap} photo
 * @param {import("./history.js").Stroke[]} strokes
 * @returns {Promise<ImageBitmap>} as large as `bitmap`
 */
export async function sketch(bitmap, photo, strokes) {
  const { width, height } = bitmap;
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  if (!context) throw new Error("no canvas for a preview");
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  const pixels = context.getImageData(0, 0, width, height);
  const small = await createImageBitmap(photo, { resizeWidth: width, resizeHeight: height });
  const [acrossScale, downScale] = [width / photo.width, height / photo.height];
  for (const { mode, radius, edges, path } of strokes) {
    Drawing.again(new Picture(small, pixels), {
      mode,
      radius: radius * acrossScale,
      edges,
      path: path.map(({ x, y }) => ({ x: x * acrossScale, y: y * downScale })),
    });
  }
  small.close();
  context.putImageData(pixels, 0, 0);
  return canvas.transferToImageBitmap();
}
