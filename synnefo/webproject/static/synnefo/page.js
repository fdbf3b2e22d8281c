// What every page of the console does: keeps its living part fresh, copies, opens dialogs, knows keys.
import { keepFresh } from "./live.js";

const dialog = document.getElementById("dialog");
const announcer = document.getElementById("announce");

export function announce(words) {
  announcer.textContent = words;
}

document.addEventListener("click", async (event) => {
  const copier = event.target.closest("[data-copy], [data-copy-from]");
  if (copier) {
    const text = copier.dataset.copy ?? document.getElementById(copier.dataset.copyFrom).textContent;
    await copyText(text);
    copier.classList.add("copied");
    announce("Copied");
    setTimeout(() => copier.classList.remove("copied"), 1500);
  }
  const saver = event.target.closest("[data-download-from]");
  if (saver) save(document.getElementById(saver.dataset.downloadFrom).textContent, saver.dataset.file);
  const dismiss = event.target.closest("[data-dismiss]");
  if (dismiss) dismiss.closest(".alert").remove();
  if (event.target.closest("#dialog [data-close]") || event.target === dialog) {
    event.preventDefault();
    dialog.close();
  }
  if (event.target.closest("[data-again]")) {
    event.preventDefault();
    location.reload();
  }
});

// The clipboard of browsers is for secure pages alone; elsewhere a selection is copied the old way.
async function copyText(text) {
  if (navigator.clipboard && window.isSecureContext) return navigator.clipboard.writeText(text);
  const area = document.createElement("textarea");
  area.value = text;
  area.className = "visually-hidden";
  (document.querySelector("dialog[open]") ?? document.body).append(area);
  const focused = document.activeElement;
  area.select();
  document.execCommand("copy");
  area.remove();
  focused?.focus();
}

function save(text, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "application/octet-stream" }));
  link.download = name;
  link.click();
  URL.revokeObjectURL(link.href);
}

document.addEventListener("keydown", (event) => {
  const search = document.getElementById("search");
  const finding = event.key === "k" && (event.ctrlKey || event.metaKey);
  if (finding && search) {
    event.preventDefault();
    search.focus();
    search.select();
    return;
  }
  const typing = event.target.closest?.("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]");
  if (event.ctrlKey || event.metaKey || event.altKey || typing || dialog?.open) return;
  if (event.key === "/" && search) {
    event.preventDefault();
    search.focus();
    search.select();
  }
  if (event.key === "c") document.querySelector("[data-create]")?.click();
});

// A form is sent once, however often its button is pressed; coming back to the page frees it again.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.matches("[data-once]")) return;
  if (form.dataset.sent) event.preventDefault();
  form.dataset.sent = "yes";
  form.querySelector("button:not([type=button])")?.setAttribute("aria-disabled", "true");
});
window.addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("[data-once]")) {
    delete form.dataset.sent;
    form.querySelector("[aria-disabled]")?.removeAttribute("aria-disabled");
  }
});

// What is lost for good is confirmed by typing its name.
function guard() {
  const field = document.querySelector("[data-typed]");
  if (field) field.form.querySelector(".btn-danger").disabled = field.value.trim() !== field.dataset.typed;
}
document.addEventListener("input", guard);

// Ticks: one for all, and how many there are.
document.addEventListener("change", (event) => {
  if (event.target.id === "tick-all") {
    for (const tick of document.querySelectorAll(".tick")) tick.checked = event.target.checked;
  }
  countTicks();
});

function countTicks() {
  const all = document.querySelectorAll(".tick");
  const ticked = document.querySelectorAll(".tick:checked").length;
  const words = document.querySelector(".bulk-count");
  if (words) words.textContent = `${ticked} ticked`;
  const master = document.getElementById("tick-all");
  if (master) {
    master.checked = ticked > 0 && ticked === all.length;
    master.indeterminate = ticked > 0 && ticked < all.length;
  }
}

document.addEventListener("htmx:afterSwap", (event) => {
  if (event.target.id === "dialog" && dialog.querySelector("form")) {
    dialog.showModal();
    (dialog.querySelector("[data-typed], [autofocus]") ?? dialog.querySelector("[data-close]"))?.focus();
    guard();
  }
  for (const log of document.querySelectorAll("[data-tail]")) {
    log.scrollTop = log.scrollHeight;
    delete log.dataset.tail;
  }
  countTicks();
});
document.addEventListener("htmx:beforeRequest", (event) => {
  if (event.target.id === "confirm") dialog.close();
  if (event.target.id !== "live" && !event.target.matches("[data-quiet]")) for (const note of document.querySelectorAll("#messages .alert")) note.remove();
});
document.addEventListener("htmx:afterRequest", (event) => {
  // Actions untick what they were for.
  const element = event.detail.requestConfig?.elt;
  if (element?.id === "act" || element?.id === "confirm") {
    for (const tick of document.querySelectorAll(".tick:checked")) tick.checked = false;
    countTicks();
  }
});
// Whoever likes one of the command lines best gets it first everywhere.
document.addEventListener("shown.bs.tab", (event) => {
  if (event.target.dataset.same) localStorage.setItem("same", event.target.dataset.same);
});
window.addEventListener("load", () => {
  const liked = localStorage.getItem("same");
  if (liked) document.querySelector(`[data-same="${CSS.escape(liked)}"]`)?.click();
});
document.getElementById("summary")?.focus();
guard();
countTicks();
keepFresh(announce);
