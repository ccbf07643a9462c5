/** Of several things that can stand in one place, the one that does. */

/** Show those children of `place` whose `data-when` is `state`; children without it always stay. */
export function showOnly(place, state) {
  for (const child of place.children) {
    if (child.dataset.when) child.toggleAttribute("hidden", child.dataset.when !== state);
  }
}
