/** Thousands of items of which Tab reaches one, and arrow keys the others. */

const ITEM = "li button";

/** @param {HTMLElement} root in which items are in lists that are grids, each with tabindex -1 */
export function walkWithArrows(root) {
  root.addEventListener("keydown", (event) => step(root, event));
  root.addEventListener("focusin", (event) => reach(root, event.target));
}

/** @param {HTMLElement} root whose reachable item may be gone */
export function keepReachable(root) {
  if (!root.querySelector(`${ITEM}[tabindex='0']`)) reach(root, root.querySelector(ITEM));
}

/**
 * @param {HTMLElement} root
 * @param {KeyboardEvent} event
 */
function step(root, event) {
  const items = /** @type {HTMLElement[]} */ ([...root.querySelectorAll(ITEM)]);
  const at = items.findIndex((item) => item === document.activeElement);
  if (at === -1 || event.ctrlKey || event.altKey || event.metaKey) return;
  const list = /** @type {HTMLElement} */ (items[at].closest("ul"));
  const row = getComputedStyle(list).gridTemplateColumns.split(" ").length;
  const target = { ArrowRight: at + 1, ArrowLeft: at - 1, ArrowDown: at + row, ArrowUp: at - row }[event.key];
  if (target === undefined) return;
  event.preventDefault();
  items[Math.min(items.length - 1, Math.max(0, target))].focus();
}

/**
 * @param {HTMLElement} root
 * @param {EventTarget | null} item
 */
function reach(root, item) {
  if (!(item instanceof HTMLElement) || !item.matches(ITEM)) return;
  for (const other of root.querySelectorAll(`${ITEM}[tabindex='0']`)) other.setAttribute("tabindex", "-1");
  item.tabIndex = 0;
}
