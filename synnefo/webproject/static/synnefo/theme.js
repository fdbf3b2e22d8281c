// Runs before anything is painted: the theme that was chosen on this device, else the system's.
(function () {
  const system = window.matchMedia("(prefers-color-scheme: dark)");
  function chosen() {
    try { return localStorage.getItem("theme"); } catch { return null; }
  }
  function apply() {
    const theme = chosen() || (system.matches ? "dark" : "light");
    document.documentElement.setAttribute("data-bs-theme", theme);
  }
  apply();
  document.documentElement.classList.add("scripted");
  system.addEventListener("change", apply);
  document.addEventListener("DOMContentLoaded", function () {
    for (const button of document.querySelectorAll("[data-theme-switch]")) {
      const label = () => button.setAttribute("aria-label",
        `Switch to ${document.documentElement.dataset.bsTheme === "dark" ? "light" : "dark"} colours`);
      label();
      button.addEventListener("click", function () {
        const next = document.documentElement.dataset.bsTheme === "dark" ? "light" : "dark";
        try { localStorage.setItem("theme", next); } catch { /* it lasts as long as this page */ }
        document.documentElement.setAttribute("data-bs-theme", next);
        label();
      });
    }
  });
})();
