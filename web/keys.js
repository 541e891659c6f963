/** Single keys that work anywhere on the page, except where they are text. */

/** Inputs in which a letter means nothing, so that the key may work although one of them has the focus. */
const NOT_TYPED_INTO = new Set(["range", "checkbox", "button"]);

/**
 * @param {EventTarget | null} target
 * @returns {boolean} whether a letter typed there is text, or jumps to an entry of a menu
 */
function isTypedInto(target) {
  if (!(target instanceof HTMLElement)) return false;
  if (target instanceof HTMLInputElement) return !NOT_TYPED_INTO.has(target.type);
  return target.isContentEditable || target.matches("textarea, select");
}

/** @param {Record<string, () => void>} actions by lower-case letter */
export function listenForKeys(actions) {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || event.shiftKey || event.repeat || event.isComposing) return;
    if (isTypedInto(event.target) || document.querySelector("dialog[open]")) return;
    const action = actions[event.key.toLowerCase()];
    if (!action) return;
    event.preventDefault();
    action();
  });
}
