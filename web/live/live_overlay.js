/**
 * What is said over the live picture: whether it is live, why not, how fast and how old.
 *
 * @typedef {import("./live_picture.js").LivePicture} LivePicture
 * @typedef {import("./live_picture.js").LiveStatus} LiveStatus
 * @typedef {import("./server_clock.js").ServerClock} ServerClock
 * @typedef {import("../types.js").State} State
 */

import { find, setText } from "../shared/dom.js";
import { ageInWords } from "../shared/formatters.js";

/**
 * @typedef {object} Words
 * @property {"live" | "waiting" | "lost" | "private" | "stopped"} mood
 * @property {string} label a word or two
 * @property {string} message a sentence, or empty
 */

/** Seconds after which a frame is too old to be called live, where the camera is not slower anyway. */
const LATE = 2;

/** @type {Record<Exclude<LiveStatus["state"], "live" | "placeholder">, Words>} */
const WORDS = {
  stopped: { mood: "stopped", label: "Stopped", message: "The picture is stopped." },
  hidden: { mood: "stopped", label: "Paused", message: "Paused while it is out of sight." },
  connecting: { mood: "waiting", label: "Connecting", message: "Connecting …" },
  waiting: { mood: "waiting", label: "Reconnecting", message: "No connection. Trying again …" },
};

/**
 * The honest state: a picture counts as live only if the stream, and the camera behind it, are.
 *
 * @param {LiveStatus} live
 * @param {State["camera"] | null} camera null while unknown
 * @param {boolean} isLate whether what is seen is older than it should be
 * @returns {Words}
 */
export function describe(live, camera, isLate) {
  if (live.state !== "live" && live.state !== "placeholder") {
    const words = WORDS[live.state];
    return live.reason ? { ...words, label: "Waiting", message: live.reason } : words;
  }
  if (camera?.state === "privacy") {
    return { mood: "private", label: "Privacy", message: "Privacy is on: the camera is closed." };
  }
  if (camera?.state === "frozen") {
    return { mood: "lost", label: "Frozen", message: camera.reason ?? "The picture does not change." };
  }
  if (camera?.state === "starting" || camera?.state === "idle") {
    return { mood: "waiting", label: "Opening camera", message: "The camera is being opened …" };
  }
  if (live.state === "placeholder" || camera?.state === "lost") {
    return { mood: "lost", label: "No camera", message: camera?.reason ?? "The camera gives no picture." };
  }
  if (isLate) return { mood: "waiting", label: "Delayed", message: "" };
  return { mood: "live", label: "Live", message: "" };
}

/** The frame around the canvas. */
export class Stage {
  /** @type {LiveStatus} */ #live = { state: "stopped", reason: null };
  /** @type {State["camera"] | null} */ #camera = null;
  #isLate = false;

  /**
   * @param {HTMLElement} root
   * @param {ServerClock} clock
   * @param {(words: Words) => void} onWords
   */
  constructor(root, clock, onWords) {
    this.root = root;
    this.clock = clock;
    this.onWords = onWords;
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
   * Measured at this browser: frames shown a second, and how old the frame on the canvas is.
   *
   * @param {LivePicture} picture
   * @param {number} interval usual seconds between two frames
   * @returns {{fps: number, age: number | null} | null} null while there is no live picture
   */
  showMeasured(picture, interval) {
    const { fps, capturedAt } = picture;
    const now = this.clock.now();
    const age = capturedAt !== null && now !== null ? Math.max(0, now - capturedAt) / 1000 : null;
    this.#isLate = age !== null && age > Math.max(LATE, 3 * interval);
    this.#render();
    const isShown = this.#live.state === "live" && (fps !== null || this.#isLate);
    const measured = isShown ? { fps: fps ?? 0, age } : null;
    const words = !measured ? [] : [`${measured.fps.toFixed(1)} fps`, age !== null && `${ageInWords(age)} old`];
    setText(this.badge, words.filter(Boolean).join(" · "));
    this.badge.hidden = words.length === 0;
    return measured;
  }

  #render() {
    const words = describe(this.#live, this.#camera, this.#isLate);
    const { mood, label, message } = words;
    this.root.dataset.state = this.#live.state;
    this.root.dataset.mood = mood;
    setText(this.label, label);
    setText(this.message, message);
    this.message.hidden = message === "";
    this.onWords(words);
  }
}
