/**
 * The facts about the appliance under the picture.
 *
 * @typedef {import("../types.js").State} State
 */

import { find, setText } from "../shared/dom.js";
import { formatAge, formatBytes, formatDuration, formatPictureFormat, formatRate } from "../shared/formatters.js";

const CAMERA_STATES = {
  starting: "Starting",
  online: "Live",
  lost: "Lost",
  frozen: "Frozen",
  idle: "Closed",
  privacy: "Closed",
};
const MQTT_STATES = { off: "Off", connecting: "Connecting", connected: "Connected", refused: "Refused" };

/**
 * What to show, by the name in `data-state`; null hides the fact.
 *
 * @type {Record<string, (state: State) => string | null>}
 */
const FACTS = {
  camera: ({ camera }) => [CAMERA_STATES[camera.state], camera.reason].filter(Boolean).join(": "),
  device: ({ camera }) => camera.description ?? camera.device,
  format: ({ format }) => (format.granted ? formatPictureFormat(format.granted) : "None yet"),
  fps: ({ fps }) => (fps === null ? "–" : `${fps.toFixed(1)} fps`),
  frame_age: ({ frame_age: age }) => (age === null ? "–" : formatAge(age)),
  viewers: ({ viewers, max_viewers: places }) => `${viewers} of ${places}`,
  dropped: ({ frames }) => frames.dropped.toLocaleString(),
  corrupt: ({ frames }) => frames.corrupt.toLocaleString(),
  mqtt: ({ mqtt }) => [MQTT_STATES[mqtt.state], mqtt.reason].filter(Boolean).join(": "),
  disk_free: ({ disk_free: free }) => (free === null ? null : `${formatBytes(free)} free`),
  pictures: ({ pictures }) => String(pictures),
  temperature: ({ temperature }) => (temperature === null ? null : `${formatRate(Math.round(temperature))} °C`),
  under_voltage: ({ under_voltage: low }) => (low === null ? null : low ? "Too low" : "Good"),
  uptime: ({ uptime }) => formatDuration(uptime),
  version: ({ version }) => version,
};

/** The list of facts; each is a `[data-state]` inside of an element that is hidden when there is nothing to say. */
export class FactList {
  /** @param {HTMLElement} root */
  constructor(root) {
    this.root = root;
  }

  /** @param {State} state */
  show(state) {
    this.root.dataset.camera = state.camera.state;
    this.root.dataset.mqtt = state.mqtt.state;
    this.root.dataset.corrupt = String(state.frames.corrupt > 0);
    this.root.dataset.voltage = String(state.under_voltage);
    for (const [name, inWords] of Object.entries(FACTS)) {
      const value = find(`[data-state=${name}]`, HTMLElement, this.root);
      const words = inWords(state);
      setText(value, words ?? "");
      /** @type {HTMLElement} */ (value.parentElement).hidden = words === null;
    }
  }
}
