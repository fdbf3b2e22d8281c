// Runs before anything is painted: the theme that was chosen on this device, else the system's.
(function () {
  const root = document.documentElement;
  const system = window.matchMedia("(prefers-color-scheme: dark)");

  function chosen() {
    try { return localStorage.getItem("theme"); } catch { return null; }
  }

  function apply(theme) {
    root.setAttribute("data-bs-theme", theme);
    const other = theme === "dark" ? "light" : "dark";
    for (const button of document.querySelectorAll("[data-theme-switch]")) {
      button.setAttribute("aria-label", `Switch to ${other} colours`);
    }
  }

  const usual = () => apply(chosen() || (system.matches ? "dark" : "light"));
  root.classList.add("scripted");
  usual();
  system.addEventListener("change", usual);
  document.addEventListener("DOMContentLoaded", usual);
  document.addEventListener("click", function (event) {
    if (!event.target.closest("[data-theme-switch]")) return;
    const next = root.getAttribute("data-bs-theme") === "dark" ? "light" : "dark";
    try { localStorage.setItem("theme", next); } catch { /* it lasts as long as this page */ }
    apply(next);
  });
})();
