/**
 * Formats values for display, in the reader's locale.
 *
 * @typedef {import("../types.js").Format} Format
 */

// Creating one of these is a hundred times slower than using it.
const MOMENT = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
const CLOCK = new Intl.DateTimeFormat(undefined, { timeStyle: "medium" });

/**
 * @param {number} bytes
 * @returns {string} such as "12.3 GB", with a no-break space
 */
export function formatBytes(bytes) {
  const units = ["B", "kB", "MB", "GB", "TB"];
  const power = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(1, bytes)) / 3));
  const value = bytes / 1000 ** power;
  return `${value.toFixed(power === 0 || value >= 100 ? 0 : 1)}\u00a0${units[power]}`;
}

/**
 * @param {number} seconds
 * @returns {string} such as "40 ms" or "2.5 s"
 */
export function formatAge(seconds) {
  if (seconds < 1) return `${Math.max(0, Math.round(seconds * 1000))} ms`;
  return seconds < 10 ? `${seconds.toFixed(1)} s` : formatDuration(seconds);
}

/**
 * @param {number} seconds
 * @returns {string} such as "42 s", "5 min" or "3 h"
 */
export function formatDuration(seconds) {
  if (seconds < 90) return `${Math.round(seconds)} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  return seconds < 172_800 ? `${Math.round(seconds / 3600)} h` : `${Math.round(seconds / 86_400)} days`;
}

/**
 * @param {number} rate frames per second
 * @returns {string} such as "30" or "29.97"
 */
export function formatRate(rate) {
  return String(Math.round(rate * 100) / 100);
}

/**
 * @param {number} width
 * @param {number} height
 * @returns {string} such as "1280x720"
 */
export function formatSize(width, height) {
  return `${width}x${height}`;
}

/**
 * @param {Format} format
 * @returns {string} such as "1280x720 at 30 fps, MJPG"
 */
export function formatPictureFormat({ width, height, fps, pixel_format }) {
  const pixels = pixel_format === "auto" ? "" : `, ${pixel_format}`;
  return `${formatSize(width, height)} at ${formatRate(fps)} fps${pixels}`;
}

/**
 * @param {string} time ISO 8601
 * @returns {string} date and time in the reader's locale
 */
export function formatTime(time) {
  return MOMENT.format(atTheCamera(time));
}

/**
 * The date at the camera, independent of the reader's time zone.
 *
 * @param {string} time ISO 8601 with the UTC offset of the camera
 * @returns {string} such as "2026-11-22", which can be sorted
 */
export function dayOf(time) {
  return time.slice(0, 10);
}

/**
 * @param {string} time ISO 8601 with the UTC offset of the camera
 * @returns {Date} the same date and time in the reader's time zone, for formatting only
 */
function atTheCamera(time) {
  return new Date(time.slice(0, 19));
}

/**
 * @param {string} time ISO 8601
 * @returns {string} such as "Sunday, 22 November", in the reader's locale; with the year if it is not the current one
 */
export function formatDay(time) {
  const day = atTheCamera(time);
  /** @type {Intl.DateTimeFormatOptions} */
  const options = { weekday: "long", day: "numeric", month: "long" };
  if (day.getFullYear() !== new Date().getFullYear()) options.year = "numeric";
  return day.toLocaleDateString(undefined, options);
}

/**
 * @param {string} time ISO 8601
 * @returns {string} such as "22 Nov"
 */
export function formatShortDay(time) {
  return atTheCamera(time).toLocaleDateString(undefined, { day: "numeric", month: "short" });
}

/**
 * @param {string} time ISO 8601
 * @returns {string} such as "14:03:12"
 */
export function formatClock(time) {
  return CLOCK.format(atTheCamera(time));
}
