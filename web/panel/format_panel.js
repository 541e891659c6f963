/**
 * Resolution, rate and pixel format: what may be chosen, what was asked for, and what the camera granted.
 *
 * @typedef {import("../types.js").Format} Format
 * @typedef {import("../types.js").PictureFormat} PictureFormat
 * @typedef {import("../types.js").State} State
 */

import { getFormat, messageOf, setFormat } from "../shared/api.js";
import { find, setText } from "../shared/dom.js";
import { formatInWords, rateInWords, sizeInWords } from "../shared/formatters.js";

/**
 * @typedef {[value: string, label: string]} Choice
 */

/**
 * The choices that go with what is chosen already: all sizes of the pixel format, all rates of the size.
 *
 * @param {Format} format
 * @returns {{size: Choice[], fps: Choice[], pixel_format: Choice[]}}
 */
export function choicesOf({ requested, available }) {
  const { width, height, fps, pixel_format: pixels } = requested;
  const fitting = available.filter((one) => pixels === "auto" || pixels === null || one.pixel_format === pixels);
  const sizes = fitting.flatMap((one) => one.sizes).sort((a, b) => b.width * b.height - a.width * a.height);
  const rates = sizes.filter((size) => size.width === width && size.height === height).flatMap((size) => size.rates);
  const size = sizes.map((one) => sizeInWords(one.width, one.height));
  if (width && height) size.push(sizeInWords(width, height));
  if (fps) rates.push(fps);
  return {
    size: [...new Set(size)].map((name) => [name, name]),
    fps: [...new Set(rates)].sort((a, b) => b - a).map((rate) => [String(rate), `${rateInWords(rate)} fps`]),
    pixel_format: [
      ["auto", "Automatic"],
      ...available.map(
        ({ pixel_format: name, description }) => /** @type {Choice} */ ([name, nameOf(name, description)]),
      ),
    ],
  };
}

/**
 * @param {string} name
 * @param {string} description
 */
function nameOf(name, description) {
  return description && description !== name ? `${name} (${description})` : name;
}

/**
 * @param {Pick<Format, "requested" | "granted">} format
 * @returns {string}
 */
export function grantedInWords({ requested, granted }) {
  if (!granted) return `Asked for ${formatInWords(requested)}; no camera has granted it yet.`;
  const words = `Granted ${formatInWords(granted)}`;
  const differs =
    (requested.width !== null && requested.width !== granted.width) ||
    (requested.height !== null && requested.height !== granted.height) ||
    (requested.fps !== null && Math.abs(requested.fps - (granted.fps ?? 0)) > 0.01) ||
    ![null, "auto", granted.pixel_format].includes(requested.pixel_format);
  return differs ? `${words}; asked for ${formatInWords(requested)}.` : `${words}.`;
}

/**
 * Replaces options only when they differ: replacing them closes a menu that the user has open.
 *
 * @param {HTMLSelectElement} select
 * @param {Choice[]} choices
 * @param {string} value
 */
function fill(select, choices, value) {
  const key = JSON.stringify(choices);
  if (select.dataset.choices !== key) {
    select.dataset.choices = key;
    select.replaceChildren(...choices.map(([name, label]) => new Option(label, name)));
  }
  select.value = value;
}

/** The format part of the panel. */
export class FormatPanel {
  #seen = "";
  #busy = false;
  /** @type {Format | null} */ #reported = null;

  /** @param {HTMLElement} root has selects named size, fps and pixel_format */
  constructor(root) {
    this.root = root;
    this.size = find("[name=size]", HTMLSelectElement, root);
    this.fps = find("[name=fps]", HTMLSelectElement, root);
    this.pixels = find("[name=pixel_format]", HTMLSelectElement, root);
    this.fields = find("[data-role=fields]", HTMLFieldSetElement, root);
    this.granted = find("#format-granted", HTMLElement, root);
    this.error = find("#format-error", HTMLElement, root);
    this.size.addEventListener("change", () => {
      const [width, height] = this.size.value.split("x").map(Number);
      this.#change({ width, height });
    });
    this.fps.addEventListener("change", () => this.#change({ fps: Number(this.fps.value) }));
    this.pixels.addEventListener("change", () => this.#change({ pixel_format: this.pixels.value }));
  }

  /**
   * Asks for the format again when a state event says that it, or the camera, is another. A lost camera cannot tell what
   * it offers, so it is not asked.
   *
   * @param {State} state
   */
  async notice({ camera, format }) {
    if (this.#busy) return;
    const live = camera.state === "online" || camera.state === "frozen";
    const seen = JSON.stringify([format, camera.device, live]);
    if (seen === this.#seen) return;
    this.#seen = seen;
    this.fields.disabled = !live;
    setText(this.granted, grantedInWords(format));
    if (!live) return;
    try {
      this.#show(await getFormat());
    } catch {
      this.#seen = ""; // the next state event asks again
    }
  }

  /** @param {Format} format */
  #show(format) {
    this.#reported = format;
    const { requested, available } = format;
    const choices = choicesOf(format);
    fill(this.size, choices.size, sizeInWords(requested.width ?? 0, requested.height ?? 0));
    fill(this.fps, choices.fps, String(requested.fps));
    fill(this.pixels, choices.pixel_format, requested.pixel_format ?? "auto");
    this.fields.hidden = available.length === 0;
    setText(this.granted, grantedInWords(format));
  }

  /** @param {Partial<PictureFormat>} changes */
  async #change(changes) {
    this.#setBusy(true);
    this.#showError("");
    try {
      this.#show(await setFormat(changes));
    } catch (error) {
      this.#showError(messageOf(error));
      const format = await getFormat().catch(() => this.#reported);
      if (format) this.#show(format);
    } finally {
      this.#setBusy(false);
    }
  }

  /** @param {boolean} busy */
  #setBusy(busy) {
    this.#busy = busy;
    this.root.setAttribute("aria-busy", String(busy));
  }

  /** @param {string} message empty: no error */
  #showError(message) {
    setText(this.error, message);
    this.error.hidden = message === "";
  }
}
