/** How large a photo is, known before it is decoded. */

/**
 * Return the size of a picture, px, upright; null where this browser cannot show its kind. Reads no more than its header.
 * @param {Blob} blob
 * @returns {Promise<{width: number, height: number} | null>}
 */
export async function sizeAtSight(blob) {
  const image = new Image();
  const loaded = new Promise((resolve) => {
    image.onload = () => resolve(true);
    image.onerror = () => resolve(false);
  });
  image.src = URL.createObjectURL(blob);
  const known = await loaded;
  URL.revokeObjectURL(image.src);
  return known ? { width: image.naturalWidth, height: image.naturalHeight } : null;
}
