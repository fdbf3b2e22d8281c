// Runs before unfold's scripts: one choice of theme for console and dashboard, and what its markup leaves unsaid.
(function () {
  const root = document.documentElement;
  htmx.config.includeIndicatorStyles = false; // no inline styles
  htmx.config.allowEval = false;

  function kept(name) {
    try { return localStorage.getItem(name); } catch { return null; }
  }

  function keep(name, value) {
    try { value === null ? localStorage.removeItem(name) : localStorage.setItem(name, value); } catch { /* this page alone */ }
  }

  keep("adminTheme", JSON.stringify(kept("theme") ?? "auto"));
  window.addEventListener("pagehide", () => {
    const theme = JSON.parse(kept("adminTheme") ?? '"auto"');
    keep("theme", theme === "auto" ? null : theme);
  });
  const system = window.matchMedia("(prefers-color-scheme: dark)");
  system.addEventListener("change", () => {
    if (kept("adminTheme") === '"auto"') root.classList.toggle("dark", system.matches);
  });
  new MutationObserver(() => {
    const theme = root.classList.contains("dark") ? "dark" : "light";
    if (root.dataset.bsTheme !== theme) root.dataset.bsTheme = theme;
  }).observe(root, { attributes: true, attributeFilter: ["class"] });

  // Whatever can be clicked can be reached and pressed by keyboard, and has a name.
  const NAMES = { menu: "Menu", close: "Close the menu", dock_to_right: "Show or hide the menu", filter_list: "Filters" };
  document.addEventListener("DOMContentLoaded", () => {
    for (const element of document.querySelectorAll("[x-on\\:click]:not(a[href], button, input, body, html)")) {
      const words = element.textContent.trim();
      if (!words || !["SPAN", "A", "DIV"].includes(element.tagName)) continue;
      element.setAttribute("role", "button");
      element.tabIndex = 0;
      if (NAMES[words]) element.setAttribute("aria-label", NAMES[words]);
    }
    for (const icon of document.querySelectorAll(".material-symbols-outlined")) {
      if (!icon.closest("[role=button], button")?.isSameNode(icon)) icon.setAttribute("aria-hidden", "true");
    }
    const mark = document.querySelector("#nav-sidebar a:has(> .material-symbols-outlined)"); // beside the same link in words
    mark?.setAttribute("aria-hidden", "true");
    mark?.setAttribute("tabindex", "-1");
    for (const title of document.querySelectorAll("#changelist-filter h3")) {
      title.setAttribute("role", "heading");
      title.setAttribute("aria-level", "2");
    }
    document.getElementById("searchbar-submit")?.setAttribute("aria-label", "Search");
    const search = document.getElementById("searchbar");
    search?.setAttribute("aria-label", search.placeholder);
    document.querySelector("select[name=action]")?.setAttribute("aria-label", "What to do with the ticked rows");
    document.getElementById("main")?.setAttribute("role", "main");
  });
  window.addEventListener("load", () => {
    let number = 0;
    for (const region of document.querySelectorAll(".simplebar-content-wrapper")) {
      region.setAttribute("aria-label", region.closest("#nav-sidebar") ? "Tables" : `Part ${++number} that scrolls`);
    }
  });
  document.addEventListener("keydown", (event) => {
    if ((event.key === "Enter" || event.key === " ") && event.target.matches("[role=button]:not(a[href], button)")) {
      event.preventDefault();
      event.target.click();
    }
  });
})();
