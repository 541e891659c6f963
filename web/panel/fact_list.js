/**
 * The list of facts about the appliance, under the picture. It has a row for each fact with a label.
 *
 * @typedef {import("../facts.js").Fact} Fact
 * @typedef {import("../types.js").State} State
 * @typedef {(state: State) => string | null} Formatter null hides the row
 */

import { FACTS } from "../facts.js";
import { find, fromTemplate, setText } from "../shared/dom.js";
import {
  formatAge,
  formatBytes,
  formatDuration,
  formatPictureFormat,
  formatRate,
  formatTime,
} from "../shared/formatters.js";

/** Text of a row whose value is unknown. */
const UNKNOWN = "–";

/** @type {Record<State["camera"]["state"], string>} */
const CAMERA_STATES = {
  starting: "Starting",
  online: "Live",
  lost: "Lost",
  frozen: "Frozen",
  idle: "Closed",
  privacy: "Closed",
};

/**
 * A member of the fact `camera` that has a row of its own.
 *
 * @type {Fact}
 */
const DEVICE = {
  path: "camera.device",
  label: "Device",
  help: "The description of the device, or its name.",
  kind: "string",
  unit: "",
  nullable: true,
};

/**
 * The facts that need more than their unit, by path.
 *
 * @type {Record<string, Formatter>}
 */
const FORMATTERS = {
  camera: ({ camera }) => [CAMERA_STATES[camera.state], camera.reason].filter(Boolean).join(": "),
  [DEVICE.path]: ({ camera }) => camera.description ?? camera.device,
  format: ({ format }) => (format.granted ? formatPictureFormat(format.granted) : "None yet"),
  fps: ({ fps }) => (fps === null ? UNKNOWN : formatNumber(fps, "fps")),
  frame_age: ({ frame_age: age }) => (age === null ? UNKNOWN : formatAge(age)),
  viewers: ({ viewers, max_viewers: places }) => `${viewers} of ${places}`,
  uptime: ({ uptime }) => formatDuration(uptime),
};

/**
 * Numbers by unit; those of other units are followed by it.
 *
 * @type {Record<string, (value: number) => string>}
 */
const UNITS = {
  s: formatAge,
  fps: (rate) => `${rate.toFixed(1)} fps`,
  "°C": (temperature) => `${formatRate(Math.round(temperature))} °C`,
  bytes: formatBytes,
  "bytes free": (bytes) => `${formatBytes(bytes)} free`,
};

/**
 * @param {number} value
 * @param {string} unit
 */
function formatNumber(value, unit) {
  return UNITS[unit]?.(value) ?? `${value.toLocaleString()} ${unit}`.trim();
}

/** @param {string} text */
function capitalized(text) {
  return text.charAt(0).toUpperCase() + text.slice(1).replaceAll("_", " ");
}

/**
 * Formats the value of a fact by its kind and unit.
 *
 * @param {Pick<Fact, "kind" | "unit">} fact
 * @param {unknown} value
 * @returns {string | null} null for an unknown value
 */
function formatValue({ kind, unit }, value) {
  if (value === null || value === undefined) return null;
  if (typeof value === "number") return formatNumber(value, unit);
  if (typeof value === "boolean") return capitalized((unit || "yes or no").split(" or ")[value ? 0 : 1]);
  if (typeof value === "string" && kind === "date-time") return formatTime(value);
  if (typeof value === "string") return kind === "enum" ? capitalized(value) : value;
  if (Array.isArray(value)) return value.join(", ") || UNKNOWN;
  const { state, reason } = /** @type {{state?: string, reason?: string | null}} */ (value);
  return [capitalized(state ?? ""), reason].filter(Boolean).join(": ");
}

/**
 * @param {State} state
 * @param {string} path such as "frames.dropped"
 * @returns {unknown} the value there
 */
function valueAt(state, path) {
  return path.split(".").reduce((/** @type {any} */ value, name) => value?.[name], state);
}

/** The rows; `data-state` of each value is the last part of the fact's path. */
export class FactList {
  /** @type {{value: HTMLElement, row: HTMLElement, format: Formatter}[]} */ #rows = [];

  /** @param {HTMLElement} root */
  constructor(root) {
    this.root = root;
    for (const fact of FACTS) {
      this.#add(fact);
      if (fact.path === "camera") this.#add(DEVICE);
    }
  }

  /** @param {Fact} fact */
  #add(fact) {
    const row = fromTemplate("fact");
    const [name, value] = [find("dt", HTMLElement, row), find("dd", HTMLElement, row)];
    const special = FORMATTERS[fact.path];
    name.textContent = fact.label;
    row.title = fact.help;
    row.hidden = fact.nullable && !special; // many boards never report it
    value.dataset.state = fact.path.split(".").at(-1);
    value.textContent = UNKNOWN;
    this.#rows.push({ row, value, format: special ?? ((state) => formatValue(fact, valueAt(state, fact.path))) });
    this.root.append(row);
  }

  /** @param {State} state */
  show(state) {
    this.root.dataset.camera = state.camera.state;
    this.root.dataset.mqtt = state.mqtt.state;
    this.root.dataset.corrupt = String(state.frames.corrupt > 0);
    this.root.dataset.voltage = String(state.under_voltage);
    for (const { row, value, format } of this.#rows) {
      const text = format(state);
      setText(value, text ?? "");
      row.hidden = text === null;
    }
  }
}
