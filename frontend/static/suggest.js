/** Which of the known names a few typed letters may mean. Pure functions over what `/labels` tells. */

/** As the server compares names: case, accents, hyphens and spaces make no difference. */
export function normal(name) {
  return name.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase().replace(/[_-]/g, " ").trim().replace(/\s+/g, " ");
}

/**
 * @param {string} typed
 * @param {{classes: string[], synonyms: Record<string, string[]>}} known
 * @param {string[]} taken names that are not offered again
 * @returns {{name: string, via: string | null}[]} best first; `via` is the synonym that matched. Nothing typed: all.
 */
export function suggest(typed, known, taken) {
  const query = normal(typed);
  const used = new Set(taken.map(normal));
  return known.classes
    .filter((name) => !used.has(normal(name)))
    .map((name) => {
      const others = known.synonyms[name] ?? [];
      // A class's own name wins over a synonym, of this class or another, that matches equally well.
      const ranked = [name, ...others].map((word, place) => ({
        word,
        rank: rank(normal(word), query) + (place ? 0.5 : 0),
      }));
      const best = ranked.reduce((first, next) => (next.rank < first.rank ? next : first));
      return { name, via: best.word === name ? null : best.word, rank: best.rank };
    })
    .filter((found) => found.rank < Infinity)
    .sort((a, b) => a.rank - b.rank); // stable: equals stay in the model's order
}

function rank(word, query) {
  if (word === query) return 0;
  if (word.startsWith(query)) return 1;
  if (word.includes(` ${query}`)) return 2;
  return query.length > 2 && word.includes(query) ? 3 : Infinity;
}
