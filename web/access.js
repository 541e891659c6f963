/**
 * Who one is to the appliance, and the ways to log in and out.
 *
 * @typedef {import("./types.js").Access} Access
 */

import { getAccess } from "./api.js";

/**
 * Shows nothing where nobody can log in.
 *
 * @param {HTMLElement} place
 */
export async function showAccess(place) {
  const access = await getAccess().catch(() => null);
  if (!access) return;
  if (access.user && access.users.includes(access.user)) place.replaceChildren(nameOf(access.user), logOut());
  else if (access.users.length) place.replaceChildren(logIn());
  place.hidden = !place.hasChildNodes();
}

/** @param {string} user */
function nameOf(user) {
  const name = document.createElement("span");
  name.textContent = user;
  return name;
}

function logIn() {
  const link = document.createElement("a");
  link.href = "login";
  link.textContent = "Log in";
  return link;
}

/** A form, not a request: it leaves the page in any case. */
function logOut() {
  const form = document.createElement("form");
  form.method = "post";
  form.action = "logout";
  const button = document.createElement("button");
  button.className = "quiet";
  button.textContent = "Log out";
  form.append(button);
  return form;
}
