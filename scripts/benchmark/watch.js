/**
 * Put into the page before its own code by benchmark/page.py: notes when a person sees what, as `watch`.
 * All times are ms of the page's clock, performance.now().
 */

const watch = (globalThis.watch = {
  dropped: null, // when the photo fell, by the event's own time stamp

  /** Layout shifts, long tasks and frames since the last call. */
  noted() {
    for (const observer of observers) note(observer.takeRecords());
    return Object.fromEntries(Object.entries(notes).map(([name, list]) => [name, list.splice(0)]));
  },

  /** Resolves with the time at which outlines and photo are on the screen. */
  outlined: () => seen(() => shown("#photo [role=checkbox]") && shown("#photo .canvas > img")),

  /** Resolves with the time of the next click, and those at which the outline's state and the picture have changed. */
  toggled(shape) {
    const state = shape.getAttribute("aria-checked");
    const picture = pictureShown();
    const outline = seen(() => shape.getAttribute("aria-checked") !== state);
    const preview = seen(() => ![null, picture].includes(pictureShown()));
    return Promise.all([nextClick(), outline, preview]);
  },

  /** Resolves with the time of the next click, and that at which the colour behind the cut-out has changed. */
  background() {
    const colour = colourBehind();
    return Promise.all([nextClick(), seen(() => colourBehind() !== colour)]);
  },

  /** Resolves with the time of the next click, and that at which the cut-out can be drawn on. */
  brush() {
    const port = document.querySelector(".viewer-port");
    return Promise.all([nextClick(), seen(() => shown(".brush-picture") && port.ariaBusy !== "true")]);
  },

  /** How long the latest request to this path took: from the first byte that was sent to the last that came back. */
  request(path) {
    const { requestStart, responseEnd } = performance
      .getEntriesByType("resource")
      .findLast(({ name }) => new URL(name).pathname.endsWith(path));
    return responseEnd - requestStart;
  },
});

const notes = { shifts: [], tasks: [], frames: [] };

/** How each kind of entry is kept; a long task is one of more than 50 ms, shorter ones are not told. */
const kinds = {
  "layout-shift": ({ value, hadRecentInput, sources }) =>
    notes.shifts.push({ value, hadRecentInput, moved: sources.map(({ node }) => named(node)) }),
  longtask: ({ duration }) => notes.tasks.push(duration),
};

const observers = Object.keys(kinds).map((type) => {
  const observer = new PerformanceObserver((list) => note(list.getEntries()));
  observer.observe({ type, buffered: true });
  return observer;
});

function note(entries) {
  for (const entry of entries) kinds[entry.entryType](entry);
}

function named(node) {
  const element = node?.nodeType === Node.TEXT_NODE ? node.parentElement : node;
  return element?.id || element?.className?.baseVal || element?.className || element?.localName || "?";
}

function nextClick() {
  return new Promise((resolve) =>
    addEventListener("click", ({ timeStamp }) => resolve(timeStamp), { capture: true, once: true }),
  );
}

function shown(selector) {
  const element = document.querySelector(selector);
  return element !== null && element.getClientRects().length > 0;
}

/** The element that shows the cut-out, a preview or the final picture; null while none does. */
function pictureShown() {
  return shown(".viewer-world") ? document.querySelector(".viewer-world > :last-child > .viewer-placed > *") : null;
}

/** The colour behind the cut-out. */
function colourBehind() {
  return getComputedStyle(document.querySelector(".viewer-world > :last-child > .below-cutout")).backgroundColor;
}

/**
 * Looks before each frame is drawn whether `condition` holds. The frame in which it does is handed over when the next
 * one begins: that is the time.
 */
function seen(condition) {
  return new Promise((resolve) => {
    const before = () => requestAnimationFrame(condition() ? () => resolve(performance.now()) : before);
    requestAnimationFrame(before);
  });
}

addEventListener("drop", ({ timeStamp }) => (watch.dropped = timeStamp), { capture: true });

let last = null;
requestAnimationFrame(function frame(now) {
  if (last !== null) notes.frames.push(now - last);
  last = now;
  requestAnimationFrame(frame);
});
