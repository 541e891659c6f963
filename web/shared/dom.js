/** Finding and cloning elements of index.html. */

/**
 * @template {HTMLElement} T
 * @param {string} selector of an element that index.html has for certain
 * @param {new () => T} type
 * @param {ParentNode} [root]
 * @returns {T}
 * @throws {Error} when it is not there: the page and its script do not fit together
 */
export function find(selector, type, root = document) {
  const element = root.querySelector(selector);
  if (!(element instanceof type)) throw new Error(`The page has no ${selector}.`);
  return element;
}

/**
 * @param {string} id of a <template> with one element in it
 * @returns {HTMLElement} a new copy of that element
 */
export function fromTemplate(id) {
  const { content } = find(`#${id}`, HTMLTemplateElement);
  return /** @type {HTMLElement} */ (/** @type {Element} */ (content.firstElementChild).cloneNode(true));
}

/**
 * Sets a text only when it differs, so that selections and screen readers are left in peace.
 *
 * @param {Element} element
 * @param {string} text
 */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
