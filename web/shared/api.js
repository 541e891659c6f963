/**
 * Requests to the appliance. Addresses are relative, so the page also works under a path prefix of a reverse proxy.
 *
 * @typedef {import("../types.js").Access} Access
 * @typedef {import("../types.js").Controls} Controls
 * @typedef {import("../types.js").Control["value"]} ControlValue
 * @typedef {import("../types.js").Format} Format
 * @typedef {import("../types.js").FormatReport} FormatReport
 * @typedef {import("../types.js").DeletedPictures} DeletedPictures
 * @typedef {import("../types.js").Picture} Picture
 * @typedef {import("../types.js").PicturePage} PicturePage
 */

/** A change of the format may reopen the camera, which takes seconds. */
const ANSWER_TIMEOUT_MS = 20_000;
const PROBE_TIMEOUT_MS = 2_000;

/**
 * Sent with every change. A script of another origin can send this header only with the appliance's permission, so it
 * proves that the request comes from this page, even behind a reverse proxy that replaces `Host`.
 */
export const FROM_THIS_PAGE = { "X-Camera-Appliance": "page" };

/** A request that the appliance refused, or that did not reach it. */
export class ApiError extends Error {
  /**
   * @param {string} code a stable word such as "storage_full"; "unreachable" if there was no answer
   * @param {string} message a sentence for people
   */
  constructor(code, message) {
    super(message);
    this.name = "ApiError";
    this.code = code;
  }
}

/**
 * The message to show for any error.
 *
 * @param {unknown} error
 * @returns {string}
 */
export function messageOf(error) {
  return error instanceof Error ? error.message : String(error);
}

/**
 * Converts an answer with an error status to an ApiError; an answer of a proxy may not be JSON.
 *
 * @param {Response} response
 * @returns {Promise<ApiError>}
 */
export async function errorFrom(response) {
  const body = await response.json().catch(() => null);
  const { code = "unknown", message = `The appliance answered with status ${response.status}.` } = body?.error ?? {};
  return new ApiError(code, message);
}

/**
 * Converts an answer with an error status to an ApiError; if a login is required, opens the login page.
 *
 * @param {Response} response
 * @returns {Promise<ApiError>}
 */
export async function refusalFrom(response) {
  const error = await errorFrom(response);
  if (error.code === "login_required") location.assign("login");
  return error;
}

/**
 * @param {string} method
 * @param {string} path
 * @param {object} [body]
 * @returns {Promise<any>} the JSON of the answer
 * @throws {ApiError}
 */
async function request(method, path, body) {
  /** @type {RequestInit} */
  const init = { method, signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS), cache: "no-store" };
  init.headers = { ...FROM_THIS_PAGE };
  if (body) {
    init.headers["Content-Type"] = "application/json";
    init.body = JSON.stringify(body);
  }
  try {
    const response = await fetch(path, init);
    if (!response.ok) throw await refusalFrom(response);
    return await response.json();
  } catch (error) {
    if (error instanceof ApiError) throw error;
    throw new ApiError("unreachable", "The appliance does not respond.");
  }
}

/** @returns {Promise<boolean>} whether the appliance responds */
export async function isReachable() {
  try {
    await fetch("healthz", { signal: AbortSignal.timeout(PROBE_TIMEOUT_MS), cache: "no-store" });
    return true;
  } catch {
    return false;
  }
}

/**
 * Converts an absolute path from the appliance, which may begin with the prefix of a proxy, to a relative address.
 *
 * @param {string} path such as "/api/pictures/12.jpg" or "/door/api/pictures/12.jpg"
 * @returns {string}
 */
export function relative(path) {
  return path.slice(path.lastIndexOf("/api/") + 1);
}

/** @returns {Promise<Access>} */
export function getAccess() {
  return request("GET", "api/access");
}

/**
 * @param {Record<string, ControlValue>} changes
 * @returns {Promise<Controls>} the values that the device reports afterwards
 */
export function setControls(changes) {
  return request("PATCH", "api/controls", changes);
}

/**
 * @param {string[]} [names] all controls if omitted
 * @returns {Promise<Controls>}
 */
export function resetControls(names) {
  return request("POST", "api/controls/reset", names ? { names } : {});
}

/**
 * @param {boolean} on
 * @returns {Promise<{privacy: boolean}>}
 */
export function setPrivacy(on) {
  return request("PUT", "api/privacy", { on });
}

/** @returns {Promise<FormatReport>} */
export function getFormat() {
  return request("GET", "api/format");
}

/**
 * @param {Partial<Format>} changes
 * @returns {Promise<FormatReport>}
 */
export function setFormat(changes) {
  return request("PATCH", "api/format", changes);
}

/**
 * @param {number} limit
 * @param {number | null} [before] only pictures older than this one
 * @returns {Promise<PicturePage>}
 */
export function listPictures(limit, before = null) {
  return request("GET", `api/pictures?limit=${limit}${before === null ? "" : `&before=${before}`}`);
}

/** @returns {Promise<Picture>} */
export function takePicture() {
  return request("POST", "api/pictures", {});
}

/**
 * @param {number[]} ids unknown ones are ignored
 * @returns {Promise<DeletedPictures>}
 */
export function deletePictures(ids) {
  return request("POST", "api/pictures/delete", { ids });
}

/**
 * @param {number[]} ids
 * @returns {Promise<{restored: number[]}>}
 */
export function restorePictures(ids) {
  return request("POST", "api/pictures/restore", { ids });
}

/**
 * @param {string} selection such as "7,9,12-40"
 * @returns {string} the address of an archive with these pictures
 */
export function archiveAddress(selection) {
  return `api/pictures.zip?ids=${selection}`;
}
