/**
 * Resolution, frame rate and pixel format: the available choices, the requested format, and the one the camera granted.
 *
 * @typedef {import("../types.js").Format} Format
 * @typedef {import("../types.js").FormatReport} FormatReport
 * @typedef {import("../types.js").State} State
 */

import { getFormat, messageOf, setFormat } from "../shared/api.js";
import { find, setText } from "../shared/dom.js";
import { formatPictureFormat, formatRate, formatSize } from "../shared/formatters.js";

/**
 * @typedef {[value: string, label: string]} Choice
 */

/**
 * The choices that are compatible with the requested format: all sizes of its pixel format, all rates of its size.
 *
 * @param {FormatReport} format
 * @returns {{size: Choice[], fps: Choice[], pixel_format: Choice[]}}
 */
export function choicesOf({ requested, available }) {
  const { width, height, fps, pixel_format: pixels } = requested;
  const fitting = available.filter((each) => pixels === "auto" || each.pixel_format === pixels);
  const sizes = fitting.flatMap((each) => each.sizes).sort((a, b) => b.width * b.height - a.width * a.height);
  const rates = sizes.filter((size) => size.width === width && size.height === height).flatMap((size) => size.rates);
  const size = sizes.map((each) => formatSize(each.width, each.height));
  size.push(formatSize(width, height));
  rates.push(fps);
  return {
    size: [...new Set(size)].map((name) => [name, name]),
    fps: [...new Set(rates)].sort((a, b) => b - a).map((rate) => [String(rate), `${formatRate(rate)} fps`]),
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
 * @param {Pick<FormatReport, "requested" | "granted">} format
 * @returns {string}
 */
export function describeGranted({ requested, granted }) {
  if (!granted) return `Requested: ${formatPictureFormat(requested)}. No camera has granted a format yet.`;
  const text = `Granted: ${formatPictureFormat(granted)}.`;
  const differs =
    requested.width !== granted.width ||
    requested.height !== granted.height ||
    Math.abs(requested.fps - granted.fps) > 0.01 ||
    !["auto", granted.pixel_format].includes(requested.pixel_format);
  return differs ? `${text} Requested: ${formatPictureFormat(requested)}.` : text;
}

/**
 * Replaces the options only if they differ: replacing them closes an open menu.
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

/** The fields of the format. */
export class FormatPanel {
  #seen = "";
  #busy = false;
  /** @type {FormatReport | null} */ #reported = null;

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
   * Requests the format again when a state event reports another format or camera. While the camera is lost, its formats
   * are unknown and are not requested.
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
    setText(this.granted, describeGranted(format));
    if (!live) return;
    try {
      this.#show(await getFormat());
    } catch {
      this.#seen = ""; // try again with the next state event
    }
  }

  /** @param {FormatReport} format */
  #show(format) {
    this.#reported = format;
    const { requested, available } = format;
    const choices = choicesOf(format);
    fill(this.size, choices.size, formatSize(requested.width, requested.height));
    fill(this.fps, choices.fps, String(requested.fps));
    fill(this.pixels, choices.pixel_format, requested.pixel_format);
    this.fields.hidden = available.length === 0;
    setText(this.granted, describeGranted(format));
  }

  /** @param {Partial<Format>} changes */
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

  /** @param {string} message empty for none */
  #showError(message) {
    setText(this.error, message);
    this.error.hidden = message === "";
  }
}
