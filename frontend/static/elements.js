/** Finding, making and showing elements of the page. */

/**
 * Return the element with this id. Throws a TypeError where the page has none.
 * @param {string} id
 * @returns {HTMLElement}
 */
export function byId(id) {
  return find(document, `#${id}`, HTMLElement);
}

/**
 * Return the first element inside of `root` that `selector` matches. Throws a TypeError where there is none of `kind`.
 * @template {Element} T
 * @param {ParentNode} root
 * @param {string} selector
 * @param {new () => T} kind the element's class
 * @returns {T}
 */
export function find(root, selector, kind) {
  const found = root.querySelector(selector);
  if (found instanceof kind) return found;
  throw new TypeError(`no ${kind.name} is ${selector}`);
}

/**
 * Make an element with these properties.
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {Partial<HTMLElementTagNameMap[K]>} [properties]
 * @returns {HTMLElementTagNameMap[K]}
 */
export function make(tag, properties = {}) {
  return Object.assign(document.createElement(tag), properties);
}

/**
 * Show those children of `place` whose `data-when` is `state`; children without it always stay.
 * @param {Element} place
 * @param {string} state
 */
export function showOnly(place, state) {
  for (const child of place.children) {
    const when = child.getAttribute("data-when");
    if (when) child.toggleAttribute("hidden", when !== state);
  }
}
