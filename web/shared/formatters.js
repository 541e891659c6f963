/**
 * Values in the words of the reader.
 *
 * @typedef {import("../types.js").PictureFormat} PictureFormat
 */

// Making one of these costs a hundred times what using it does.
const MOMENT = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
const CLOCK = new Intl.DateTimeFormat(undefined, { timeStyle: "medium" });

/**
 * @param {number} bytes
 * @returns {string} such as "12.3 GB", not to be broken over two lines
 */
export function bytesInWords(bytes) {
  const units = ["B", "kB", "MB", "GB", "TB"];
  const power = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(1, bytes)) / 3));
  const value = bytes / 1000 ** power;
  return `${value.toFixed(power === 0 || value >= 100 ? 0 : 1)}\u00a0${units[power]}`;
}

/**
 * @param {number} seconds
 * @returns {string} such as "40 ms" or "2.5 s"
 */
export function ageInWords(seconds) {
  if (seconds < 1) return `${Math.max(0, Math.round(seconds * 1000))} ms`;
  return seconds < 10 ? `${seconds.toFixed(1)} s` : durationInWords(seconds);
}

/**
 * @param {number} seconds
 * @returns {string} such as "42 s", "5 min" or "3 h"
 */
export function durationInWords(seconds) {
  if (seconds < 90) return `${Math.round(seconds)} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  return seconds < 172_800 ? `${Math.round(seconds / 3600)} h` : `${Math.round(seconds / 86_400)} days`;
}

/**
 * @param {number} rate frames a second
 * @returns {string} such as "30" or "29.97"
 */
export function rateInWords(rate) {
  return String(Math.round(rate * 100) / 100);
}

/**
 * @param {number} width
 * @param {number} height
 * @returns {string} such as "1280x720"
 */
export function sizeInWords(width, height) {
  return `${width}x${height}`;
}

/**
 * @param {PictureFormat} format
 * @returns {string} such as "1280x720 at 30 fps, MJPG"
 */
export function formatInWords({ width, height, fps, pixel_format }) {
  const size = width && height ? sizeInWords(width, height) : "any size";
  const rate = fps ? ` at ${rateInWords(fps)} fps` : "";
  const pixels = pixel_format && pixel_format !== "auto" ? `, ${pixel_format}` : "";
  return size + rate + pixels;
}

/**
 * @param {string} time ISO 8601
 * @returns {string} date and time in the reader's own manner
 */
export function timeInWords(time) {
  return MOMENT.format(atTheCamera(time));
}

/**
 * The day at the camera, whatever the reader's time zone is.
 *
 * @param {string} time ISO 8601 with the offset of the camera
 * @returns {string} such as "2026-11-22", which sorts
 */
export function dayOf(time) {
  return time.slice(0, 10);
}

/**
 * @param {string} time ISO 8601 with the offset of the camera
 * @returns {Date} the same date and time on the reader's clock, for formatting only
 */
function atTheCamera(time) {
  return new Date(time.slice(0, 19));
}

/**
 * @param {string} time ISO 8601
 * @returns {string} such as "Sunday, 22 November", in the reader's own manner, with the year if it is not this one
 */
export function dayInWords(time) {
  const day = atTheCamera(time);
  /** @type {Intl.DateTimeFormatOptions} */
  const form = { weekday: "long", day: "numeric", month: "long" };
  if (day.getFullYear() !== new Date().getFullYear()) form.year = "numeric";
  return day.toLocaleDateString(undefined, form);
}

/**
 * @param {string} time ISO 8601
 * @returns {string} such as "22 Nov"
 */
export function shortDayInWords(time) {
  return atTheCamera(time).toLocaleDateString(undefined, { day: "numeric", month: "short" });
}

/**
 * @param {string} time ISO 8601
 * @returns {string} such as "14:03:12"
 */
export function clockInWords(time) {
  return CLOCK.format(atTheCamera(time));
}
