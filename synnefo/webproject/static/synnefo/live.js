// Keeps #live fresh: every data-refresh seconds, and when one comes back to the page. htmx fetches (the browser
// asks conditionally, by ETag) and idiomorph changes only what differs, so that focus, ticks and open menus stay.

export function keepFresh(announce) {
  if (!document.getElementById("live")) return;
  let last = performance.now();
  let states = statesOf();

  Idiomorph.defaults.callbacks.beforeAttributeUpdated = (name, node) =>
    !(name === "checked" && node.matches?.(".tick, #tick-all"));
  Idiomorph.defaults.callbacks.beforeNodeMorphed = (old) =>
    !(old.nodeType === Node.ELEMENT_NODE && old.matches(".dropdown") && old.querySelector(".dropdown-menu.show"));

  function renew() {
    last = performance.now();
    htmx.trigger("#live", "renew");
  }

  setInterval(() => {
    const live = document.getElementById("live");
    if (!live || document.hidden) return;
    if (performance.now() - last >= 1000 * Number(live.dataset.refresh)) renew();
  }, 250);
  window.addEventListener("focus", renew);
  document.addEventListener("visibilitychange", () => document.hidden || renew());

  document.addEventListener("htmx:afterSwap", () => {
    const now = statesOf();
    const changes = [...now].filter(([id, state]) => states.has(id) && states.get(id).word !== state.word);
    const gone = [...states].filter(([id]) => !now.has(id));
    if (changes.length) announce(changes.map(([, state]) => `${state.name}: ${state.word}`).join(". "));
    else if (gone.length === 1) announce(`${gone[0][1].name} is not in the list any more`);
    states = now;
  });

  const offline = document.getElementById("offline");
  document.addEventListener("htmx:sendError", () => { offline.hidden = false; });
  document.addEventListener("htmx:timeout", () => { offline.hidden = false; });
  document.addEventListener("htmx:afterOnLoad", () => { offline.hidden = true; });
  document.addEventListener("htmx:responseError", (event) => {
    // A page that says what happened is shown as such; a failed renewal waits for the next one.
    if (event.target.id === "live") offline.hidden = false;
    else document.body.innerHTML = new DOMParser().parseFromString(event.detail.xhr.response, "text/html").body.innerHTML;
  });
}

function statesOf() {
  const found = new Map();
  for (const row of document.querySelectorAll("#live [data-state]")) {
    found.set(row.id, { name: row.dataset.name, word: row.dataset.state });
  }
  return found;
}
