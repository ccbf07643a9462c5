/** The key that commands are given with: ⌘ on a Mac, Ctrl elsewhere. */

export const COMMAND = /^(Mac|iP)/.test(navigator.platform) ? "⌘" : "Ctrl+";
