// What every page has: the menu on small screens, the choice of language and theme, signing out.

import { remove } from "./api.js";

const YEAR_S = 31_536_000;

const remember = (name, value) => {
  const secure = location.protocol === "https:" ? "; Secure" : "";
  document.cookie = `${name}=${value}; Path=/; Max-Age=${YEAR_S}; SameSite=Lax${secure}`;
};

document.getElementById("language-choice")?.addEventListener("change", (event) => {
  remember("shelfwise-language", event.target.value);
  location.reload();
});

document.getElementById("theme-choice")?.addEventListener("change", (event) => {
  remember("shelfwise-theme", event.target.value);
  document.documentElement.dataset.theme = event.target.value;
  document.dispatchEvent(new Event("shelfwise:theme"));
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => document.dispatchEvent(new Event("shelfwise:theme")));

document.getElementById("sign-out")?.addEventListener("click", async () => {
  await remove("/console/session");
  location.assign("/console/sign-in");
});

const menuButton = document.getElementById("menu-button");
const navigation = document.getElementById("navigation");

function openMenu(isOpen) {
  navigation.classList.toggle("is-open", isOpen);
  menuButton.setAttribute("aria-expanded", String(isOpen));
}

if (menuButton && navigation) {
  menuButton.addEventListener("click", () => {
    openMenu(!navigation.classList.contains("is-open"));
    if (navigation.classList.contains("is-open")) navigation.querySelector("li a")?.focus();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && navigation.classList.contains("is-open")) {
      openMenu(false);
      menuButton.focus();
    }
  });
  document.addEventListener("click", (event) => {
    if (!navigation.contains(event.target) && !menuButton.contains(event.target)) openMenu(false);
  });
}
