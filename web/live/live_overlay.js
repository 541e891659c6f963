/**
 * The text over the live picture: whether it is live, the reason if it is not, frame rate and age.
 *
 * @typedef {import("./live_picture.js").LivePicture} LivePicture
 * @typedef {import("./live_picture.js").LiveStatus} LiveStatus
 * @typedef {import("./server_clock.js").ServerClock} ServerClock
 * @typedef {import("../types.js").State} State
 */

import { find, setText } from "../shared/dom.js";
import { formatAge } from "../shared/formatters.js";

/**
 * @typedef {object} LiveText
 * @property {"live" | "waiting" | "lost" | "private" | "stopped"} mood
 * @property {string} label one or two words
 * @property {string} message a sentence, or empty
 */

/** Age in seconds from which a frame counts as delayed, unless the camera's frame rate is lower. */
const LATE = 2;

/** @type {Record<Exclude<LiveStatus["state"], "live" | "placeholder">, LiveText>} */
const TEXTS = {
  stopped: { mood: "stopped", label: "Stopped", message: "The live picture is stopped." },
  hidden: { mood: "stopped", label: "Paused", message: "Paused while not visible." },
  connecting: { mood: "waiting", label: "Connecting", message: "Connecting …" },
  waiting: { mood: "waiting", label: "Reconnecting", message: "No connection. Retrying …" },
};

/**
 * Describes the state. The picture counts as live only if both the stream and the camera are.
 *
 * @param {LiveStatus} live
 * @param {State["camera"] | null} camera null while unknown
 * @param {boolean} isLate whether the displayed frame is delayed
 * @returns {LiveText}
 */
export function describe(live, camera, isLate) {
  if (live.state !== "live" && live.state !== "placeholder") {
    const text = TEXTS[live.state];
    return live.reason ? { ...text, label: "Waiting", message: live.reason } : text;
  }
  if (camera?.state === "privacy") {
    return { mood: "private", label: "Privacy", message: "Privacy is on: the camera is closed." };
  }
  if (camera?.state === "frozen") {
    return { mood: "lost", label: "Frozen", message: camera.reason ?? "The picture does not change." };
  }
  if (camera?.state === "starting" || camera?.state === "idle") {
    return { mood: "waiting", label: "Opening camera", message: "Opening the camera …" };
  }
  if (live.state === "placeholder" || camera?.state === "lost") {
    return { mood: "lost", label: "No camera", message: camera?.reason ?? "The camera delivers no frames." };
  }
  if (isLate) return { mood: "waiting", label: "Delayed", message: "" };
  return { mood: "live", label: "Live", message: "" };
}

/** The texts over the canvas, and the attributes of the element around it. */
export class LiveOverlay {
  /** @type {LiveStatus} */ #live = { state: "stopped", reason: null };
  /** @type {State["camera"] | null} */ #camera = null;
  #isLate = false;

  /**
   * @param {HTMLElement} root
   * @param {ServerClock} clock
   * @param {(text: LiveText) => void} onText
   */
  constructor(root, clock, onText) {
    this.root = root;
    this.clock = clock;
    this.onText = onText;
    this.label = find("#live-label", HTMLElement, root);
    this.message = find("#live-message", HTMLElement, root);
    this.badge = find("#live-badge", HTMLElement, root);
  }

  /** @param {LiveStatus} live */
  showLive(live) {
    this.#live = live;
    this.#render();
  }

  /** @param {State["camera"] | null} camera */
  showCamera(camera) {
    this.#camera = camera;
    this.#render();
  }

  /**
   * Shows the values measured in this browser: displayed frames per second, and the age of the displayed frame.
   *
   * @param {LivePicture} picture
   * @param {number} interval expected seconds between two frames
   * @returns {{fps: number, age: number | null} | null} null while the picture is not live
   */
  showMeasured(picture, interval) {
    const { fps, capturedAt } = picture;
    const now = this.clock.now();
    const age = capturedAt !== null && now !== null ? Math.max(0, now - capturedAt) / 1000 : null;
    this.#isLate = age !== null && age > Math.max(LATE, 3 * interval);
    this.#render();
    const isShown = this.#live.state === "live" && (fps !== null || this.#isLate);
    const measured = isShown ? { fps: fps ?? 0, age } : null;
    const parts = !measured ? [] : [`${measured.fps.toFixed(1)} fps`, age !== null && `${formatAge(age)} old`];
    setText(this.badge, parts.filter(Boolean).join(" · "));
    this.badge.hidden = parts.length === 0;
    return measured;
  }

  #render() {
    const text = describe(this.#live, this.#camera, this.#isLate);
    const { mood, label, message } = text;
    this.root.dataset.state = this.#live.state;
    this.root.dataset.mood = mood;
    setText(this.label, label);
    setText(this.message, message);
    this.message.hidden = message === "";
    this.onText(text);
  }
}
