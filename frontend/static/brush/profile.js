/** How strong a brush is at each distance from its middle: full inside, fading towards the rim. */

const SOLID = 0.6; // the part of the radius that is drawn fully; from there it fades
const LENGTH = 1024;

/** Strength, 0 to 255, by the square of the distance from the middle; the last entry is the rim. */
export const PROFILE = Uint8Array.from({ length: LENGTH }, (_, place) => {
  const outside = Math.max(0, (Math.sqrt((place + 0.5) / LENGTH) - SOLID) / (1 - SOLID));
  return Math.round(255 * (1 - outside ** 2 * (3 - 2 * outside)));
});
