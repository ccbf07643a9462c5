/** Which of the known names a few typed letters may mean. Pure functions over what `/labels` tells. */

/**
 * @typedef {object} Known what `/labels` tells
 * @property {string[]} classes
 * @property {Record<string, string[]>} synonyms by class
 * @property {{cut_outs?: Record<string, {iou: number, found: number}>}} [card] figures by class, where they were measured
 */

const PRESENT = 0.25; // less than what tells a better match from a worse one
const RELIABLE = 0.7; // mean IoU of the cut-outs, and share of the photos in which one was found

/**
 * Normalize a name as the server does to compare it: case, accents, hyphens and spaces make no difference.
 * @param {string} name
 */
export function normal(name) {
  return name.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase().replace(/[_-]/g, " ").trim().replace(/\s+/g, " ");
}

/**
 * Find the known names that the typed letters may mean.
 * @param {string} typed
 * @param {Known} known
 * @param {string[]} taken names that are not offered again
 * @param {(name: string) => string} localName what the person calls a class
 * @param {Set<string>} [present] classes that are in the photo: of equals they come first
 * @returns {{name: string, via: string | null, weak: string | null}[]} best first, as the person calls them; `via` is the
 *   other word that matched, `weak` what the model is known to do badly. Nothing typed: all.
 */
export function suggest(typed, known, taken, localName, present = new Set()) {
  const query = normal(typed);
  const used = new Set(taken.map(normal));
  return known.classes
    .filter((name) => !used.has(normal(name)) && !used.has(normal(localName(name))))
    .map((own) => {
      const name = localName(own);
      const others = known.synonyms[own] ?? [];
      // The person's own word wins over another, for this class or the next, that matches equally well.
      const ranked = [name, own, ...others].map((word, place) => ({
        word,
        rank: rank(normal(word), query) + (place ? 0.5 : 0),
      }));
      const best = ranked.reduce((first, next) => (next.rank < first.rank ? next : first));
      return {
        name,
        via: best.word === name ? null : best.word,
        weak: weakness(known.card?.cut_outs?.[own]),
        rank: best.rank - (present.has(own) ? PRESENT : 0),
      };
    })
    .filter((found) => found.rank < Infinity)
    .sort((a, b) => a.rank - b.rank); // stable: equals stay in the model's order
}

/**
 * Return the classes that names mean by the words that are known here; the server knows more of them.
 * @param {string[]} names
 * @param {Known} known
 * @param {(name: string) => string} localName
 * @returns {Set<string> | null} null where one of them means nothing here, or several things
 */
export function meant(names, known, localName) {
  const words = (/** @type {string} */ own) => [own, localName(own), ...(known.synonyms[own] ?? [])].map(normal);
  const found = names.map((name) => known.classes.filter((own) => words(own).includes(normal(name))));
  return found.every(({ length }) => length === 1) ? new Set(found.flat()) : null;
}

/**
 * Return what the model does badly with a class: it misses it, or cuts it out roughly; null: nothing that is known.
 * @param {{iou: number, found: number} | undefined} figures where they were measured
 */
function weakness(figures) {
  if (!figures || Math.min(figures.iou, figures.found) >= RELIABLE) return null;
  return figures.found < RELIABLE ? "missed" : "rough";
}

/**
 * Return how well a word matches, 0 best; Infinity: not at all.
 * @param {string} word
 * @param {string} query both `normal`
 */
function rank(word, query) {
  if (word === query) return 0;
  if (word.startsWith(query)) return 1;
  if (word.includes(` ${query}`)) return 2;
  return query.length > 2 && word.includes(query) ? 3 : Infinity;
}
