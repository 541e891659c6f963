/**
 * The page to log in. Without scripts its form is posted as it stands; with them a refusal does not lose what was typed.
 */

import { FROM_THIS_PAGE, errorFrom } from "./shared/api.js";
import { find } from "./shared/dom.js";

const form = find("#login", HTMLFormElement);
const message = find("#login-message", HTMLElement);

/** @param {string} text */
function complain(text) {
  const alert = document.createElement("p");
  alert.role = "alert";
  alert.textContent = text;
  message.replaceChildren(alert);
}

/** @param {string} text */
function refuse(text) {
  complain(text);
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
    complain("The appliance does not answer.");
  }
});
