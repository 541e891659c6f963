/** Finds and clones elements of the page. */

/**
 * @template {HTMLElement} T
 * @param {string} selector of an element that the page must have
 * @param {new () => T} type
 * @param {ParentNode} [root]
 * @returns {T}
 * @throws {Error} when there is none: page and script do not match
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
 * Sets a text only if it differs, so that selections are kept and screen readers do not repeat it.
 *
 * @param {Element} element
 * @param {string} text
 */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
