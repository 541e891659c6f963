/** Keyboard shortcuts of a single key, which work everywhere on the page except in text fields. */

/** Types of inputs that ignore letters, so that shortcuts work while one of them has the focus. */
const NOT_TYPED_INTO = new Set(["range", "checkbox", "button"]);

/**
 * @param {EventTarget | null} target
 * @returns {boolean} whether a letter typed there is text, or selects an entry of a menu
 */
function isTypedInto(target) {
  if (!(target instanceof HTMLElement)) return false;
  if (target instanceof HTMLInputElement) return !NOT_TYPED_INTO.has(target.type);
  return target.isContentEditable || target.matches("textarea, select");
}

/** @param {Record<string, () => boolean | void>} actions by key, letters in lower case; return false to leave the key to the browser */
export function listenForKeys(actions) {
  document.addEventListener("keydown", (event) => {
    const isLetter = /^[a-z]$/i.test(event.key);
    if (event.ctrlKey || event.altKey || event.metaKey || event.isComposing) return;
    if (isLetter && (event.shiftKey || event.repeat)) return; // other characters may need the Shift key
    if (isTypedInto(event.target) || document.querySelector("dialog[open]")) return;
    const action = actions[isLetter ? event.key.toLowerCase() : event.key];
    if (action && !moves(event) && action() !== false) event.preventDefault();
  });
}

/**
 * @param {KeyboardEvent} event
 * @returns {boolean} whether the key moves the focused slider or switch
 */
function moves(event) {
  return event.key.startsWith("Arrow") && event.target instanceof HTMLInputElement;
}
