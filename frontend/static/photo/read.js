/** Photos read for the page: checked, and turned as the server turns them. */

import { wordsFor } from "../words/errors.js";
import { PhotoProblem } from "./photo.js";
import { upright } from "./upright.js";

/**
 * Read photos one after the other.
 * @param {Parameters<import("./sources.js").Take>} reads
 * @returns {Promise<{photos: import("./view.js").ShownPhoto[], problems: string[]}>} problems: messages for the person
 */
export async function readAll(reads) {
  const photos = [];
  const problems = [];
  for (const read of reads) {
    try {
      const photo = await read();
      photos.push(photo.blob ? { ...photo, shown: await upright(photo.blob) } : photo);
    } catch (problem) {
      problems.push(problem instanceof PhotoProblem ? problem.message : wordsFor(problem));
    }
  }
  return { photos, problems };
}
