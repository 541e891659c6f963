/**
 * The user that is logged in, and the controls to log in and out.
 *
 * @typedef {import("../types.js").Access} Access
 */

import { FROM_THIS_PAGE, getAccess } from "../shared/api.js";

/**
 * Shows the user with a button to log out, or a link to log in; nothing if the appliance has no users.
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

/** If the request fails, the form is submitted without a script, and the browser shows the error. */
function logOut() {
  const form = document.createElement("form");
  form.method = "post";
  form.action = "logout";
  const button = document.createElement("button");
  button.className = "quiet";
  button.textContent = "Log out";
  form.append(button);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    try {
      const response = await fetch(form.action, { method: "POST", headers: FROM_THIS_PAGE });
      if (response.ok) location.assign(response.url);
      else form.submit();
    } catch {
      form.submit();
    }
  });
  return form;
}
