/** Markup of controls that several parts of the options share. Their names and ids begin with `look-`. */

/** One choice of several, which exclude each other. @param {string} group @param {string} value @param {string} [swatch] */
export function radio(group, value, swatch = "") {
  return `<label><input type="radio" name="look-${group}" value="${value}" class="visually-hidden">
    <span>${swatch}<span data-text="options.${value}"></span></span></label>`;
}

/** A slider with its value. @param {string} name @param {number} most @param {number} [least] */
export function range(name, most, least = 0) {
  return `<div class="look-range">
    <label for="look-${name}" data-text="options.${name}"></label><output for="look-${name}" aria-live="off"></output>
    <input type="range" id="look-${name}" min="${least}" max="${most}">
  </div>`;
}
