/**
 * The login page. Without scripts its form is submitted by the browser; with them, a refusal keeps the entered values.
 */

import { FROM_THIS_PAGE, errorFrom } from "./shared/api.js";
import { find } from "./shared/dom.js";

const form = find("#login", HTMLFormElement);
const message = find("#login-message", HTMLElement);

/** @param {string} text */
function showMessage(text) {
  const alert = document.createElement("p");
  alert.role = "alert";
  alert.textContent = text;
  message.replaceChildren(alert);
}

/** @param {string} text */
function refuse(text) {
  showMessage(text);
  const password = find("[name=password]", HTMLInputElement, form);
  password.focus();
  password.select();
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  try {
    const response = await fetch("login", {
      method: "POST",
      headers: { ...FROM_THIS_PAGE, "Content-Type": "application/json" },
      body: JSON.stringify(Object.fromEntries(new FormData(form))),
    });
    if (response.ok) location.assign("./");
    else refuse((await errorFrom(response)).message);
  } catch {
    showMessage("The appliance does not respond.");
  }
});
