/** Photos read for the page: checked, and turned as the server turns them. */

import { limits } from "../server/api.js";
import { wordsFor } from "../words/errors.js";
import { language, t } from "../words/translate.js";
import { PhotoProblem } from "./photo.js";
import { sizeAtSight } from "./size.js";
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
      photos.push(photo.blob ? await turned(photo) : photo);
    } catch (problem) {
      problems.push(problem instanceof PhotoProblem ? problem.message : wordsFor(problem));
    }
  }
  return { photos, problems };
}

/** @param {import("./photo.js").FilePhoto} photo @returns {Promise<import("./view.js").ShownPhoto>} */
async function turned(photo) {
  const { blob, name } = photo;
  const shown = await upright(blob);
  if (blob.size > limits.max_body_bytes && !(await sizeAtSight(shown))) {
    // This page cannot make it smaller: prepare.js could, if the browser knew its kind.
    const tenths = { minimumFractionDigits: 1, maximumFractionDigits: 1 };
    const size = (blob.size / 1e6).toLocaleString(language, tenths);
    throw new PhotoProblem(t("source.too-large", { name, size, most: limits.max_body_bytes / 1e6 }));
  }
  return { ...photo, shown };
}
