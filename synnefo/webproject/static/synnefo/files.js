// The page of a folder: files that are dropped or chosen go through a worker to the store, in sequence; undo ends in time.
import { announce } from "./page.js";
import { chosen, dropped, settle } from "./files-picked.js";

const panel = document.getElementById("uploads");
const list = document.getElementById("upload-list");
const template = document.getElementById("upload-row");
const dialog = document.getElementById("taken-dialog");
const { container, folder, of, project } = panel.dataset;
const NAMES_AT_ONCE = 500;
const UNDO_MS = 30_000;
const WASTE_MS = 60_000;

const jobs = [];
let worker = null;
let running = null;
let pass = null;

const units = ["bytes", "KB", "MB", "GB", "TB", "PB"];

function amount(bytes) {
  let power = 0;
  while (power < units.length - 1 && bytes >= 1024 ** (power + 1)) power += 1;
  return `${Number((bytes / 1024 ** power).toFixed(power && bytes / 1024 ** power < 10 ? 2 : power ? 1 : 0))} ${units[power]}`;
}

function post(url, body) {
  const headers = { "X-CSRFToken": document.querySelector("#act [name=csrfmiddlewaretoken]").value };
  return fetch(url, { method: "POST", body, headers, credentials: "same-origin" });
}

async function freshPass() {
  const response = await post(panel.dataset.pass, new URLSearchParams({ in: container, of }));
  if (!response.ok || response.redirected) throw new Error("You are not signed in any more. Sign in and try again.");
  const found = await response.json();
  pass = { ...found, ends: Date.now() + 1000 * found.lifetime_s - WASTE_MS };
  return pass;
}

async function goodPass() {
  return pass && Date.now() < pass.ends ? pass : freshPass();
}

async function taken(names) {
  const found = new Set();
  for (let start = 0; start < names.length; start += NAMES_AT_ONCE) {
    const body = JSON.stringify({ in: container, of, names: names.slice(start, start + NAMES_AT_ONCE) });
    const response = await post(panel.dataset.taken, new Blob([body], { type: "application/json" }));
    if (!response.ok) throw new Error("The names could not be checked. Reload the page and try again.");
    for (const name of (await response.json()).taken) found.add(name);
  }
  return found;
}

async function take(picked) {
  if (!picked.length) return;
  const wanted = picked.map(({ file, path }) => ({ file, name: folder + path, path, overwrite: false }));
  try {
    const { versioning } = await goodPass();
    dialog.dataset.words = versioning === "auto"
      ? "Overwriting makes a new version; the old one is kept and can be had back."
      : "Overwriting loses what is there: this container keeps no old versions.";
    const kept = await settle(wanted, taken, dialog);
    for (const job of kept) add(job);
  } catch (error) {
    add({ ...wanted[0], path: wanted.length > 1 ? `${wanted.length} files` : wanted[0].path, again: () => take(picked) }, error.message);
  }
  next();
}

function add(job, trouble = "") {
  const row = template.content.firstElementChild.cloneNode(true);
  Object.assign(job, { id: jobs.length, row, state: "waiting", hashed: 0, sent: 0, toSend: 0, known: 0 });
  row.querySelector(".upload-name").textContent = job.name.slice(folder.length) || job.path;
  row.querySelector("progress").setAttribute("aria-label", job.path);
  row.querySelector("[data-cancel]").setAttribute("aria-label", `Cancel ${job.path}`);
  row.querySelector("[data-retry]").setAttribute("aria-label", `Retry ${job.path}`);
  row.querySelector("[data-cancel]").addEventListener("click", () => drop(job));
  row.querySelector("[data-retry]").addEventListener("click", () => retry(job));
  jobs.push(job);
  list.append(row);
  panel.hidden = false;
  if (trouble) fail(job, trouble);
  else show(job, `Waiting, ${amount(job.file.size)}`, 0);
}

function retry(job) {
  if (job.again) {
    job.state = "done";
    job.row.remove();
    job.again();
    return;
  }
  Object.assign(job, { state: "waiting", hashed: 0, sent: 0, toSend: 0, known: 0 });
  job.row.classList.remove("failed");
  tools(job, true, false);
  show(job, "Waiting", 0);
  next();
}

function drop(job) {
  if (job === running) worker.postMessage({ kind: "cancel" });
  else if (job.state === "waiting") fail(job, "Cancelled", "cancelled");
}

async function next() {
  if (!worker) {
    worker = new Worker(panel.dataset.worker, { type: "module" });
    worker.addEventListener("message", heard);
    worker.addEventListener("error", () => {
      if (running) fail(running, "The page's helper could not start. Reload the page and try again.");
    });
  }
  if (running) return;
  running = jobs.find((job) => job.state === "waiting") ?? null;
  total();
  if (!running) return;
  const job = running;
  job.state = "running";
  try {
    const good = await goodPass();
    if (good.left_bytes !== null && !job.overwrite && job.file.size > good.left_bytes) {
      fail(job, tooLarge(job, good));
      return;
    }
    worker.postMessage({
      kind: "upload", id: job.id, file: job.file, name: job.name, overwrite: job.overwrite, container, pass: good,
    });
  } catch (error) {
    fail(job, error.message);
  }
}

function tooLarge(job, good) {
  const left = good.left_bytes === null ? "" : `, ${amount(good.left_bytes)} ${good.left_bytes === 1 ? "is" : "are"} left in ${project}`;
  return `This is more than the quota allows: ${amount(job.file.size)} needed${left}. Delete files for good, or ask an administrator for more.`;
}

async function heard({ data }) {
  const job = jobs[data.id];
  if (data.kind === "pass") {
    try {
      worker.postMessage({ kind: "pass", pass: await freshPass() });
    } catch {
      worker.postMessage({ kind: "cancel" });
    }
    return;
  }
  if (data.kind === "progress") progress(job, data);
  if (data.kind === "done") {
    pass = pass && { ...pass, left_bytes: pass.left_bytes === null ? null : pass.left_bytes - job.file.size };
    Object.assign(job, { state: "done", sent: data.sent, known: data.known });
    job.row.classList.add("done");
    tools(job, false, false);
    show(job, `Done: ${amount(data.sent)} sent${data.known ? `, ${amount(data.known)} known already` : ""}`, 1);
    ended();
  }
  if (data.kind === "failed") {
    if (data.status === 413) await freshPass().catch(() => null);
    fail(job, wordsFor(job, data), data.status === "cancelled" ? "cancelled" : "failed");
  }
}

function progress(job, data) {
  const { kind, id, phase, attempt, ...numbers } = data;
  Object.assign(job, numbers);
  if (phase === "pausing") show(job, `No answer; trying again (${attempt})`);
  else if (phase === "hashing") show(job, `Looking at it: ${amount(job.hashed)} of ${amount(job.file.size)}`, job.hashed / job.file.size / 4);
  else {
    const known = job.known ? `, ${amount(job.known)} known already` : "";
    show(job, `Sending: ${amount(job.sent)} of ${amount(job.toSend)}${known}`, 0.25 + (0.75 * job.sent) / (job.toSend || 1));
  }
  total();
}

function wordsFor(job, { status, words }) {
  if (status === "cancelled") return "Cancelled";
  if (status === 412) return "A file of this name has appeared meanwhile. Upload it again to choose what to do.";
  if (status === 413) return tooLarge(job, pass ?? { left_bytes: null });
  if (status === 401) return "You are not signed in any more. Sign in and try again.";
  if (status === 403) return "You may not write here.";
  if (status === 404) return "The container is gone.";
  if (status === 507) return "The cloud has no room for it at the moment. Tell an administrator, and try again later.";
  return words || "The upload failed. Try again.";
}

function fail(job, words, state = "failed") {
  job.state = state;
  job.row.classList.add("failed");
  tools(job, false, true);
  show(job, words, 0);
  announce(`${job.path}: ${words}`);
  ended(job);
}

function ended(job = running) {
  if (job === running) {
    running = null;
    if (window.htmx && document.getElementById("live")) htmx.trigger("#live", "renew");
    next();
  }
  total();
}

function tools(job, cancel, again) {
  job.row.querySelector("[data-cancel]").hidden = !cancel;
  job.row.querySelector("[data-retry]").hidden = !again;
}

function show(job, words, part) {
  job.row.querySelector(".upload-state").textContent = words;
  if (part !== undefined) {
    job.part = Math.min(1, part);
    job.row.querySelector("progress").value = job.part;
  }
}

function total() {
  const live = jobs.filter((job) => !["failed", "cancelled"].includes(job.state));
  const bytes = live.reduce((sum, job) => sum + job.file.size, 0);
  const done = live.reduce((sum, job) => sum + job.file.size * (job.part ?? 0), 0);
  const finished = live.filter((job) => job.state === "done").length;
  const failed = jobs.length - live.length;
  const busy = live.some((job) => ["waiting", "running"].includes(job.state));
  const words = `${finished} of ${live.length} file${live.length === 1 ? "" : "s"}, ${amount(bytes)}${failed ? `; ${failed} not uploaded` : ""}`;
  document.getElementById("uploads-words").textContent = words;
  document.getElementById("uploads-progress").value = bytes ? done / bytes : live.length && !busy ? 1 : 0;
  document.getElementById("uploads-cancel").hidden = !busy;
  const close = document.getElementById("uploads-close");
  if (close.hidden && !busy && live.length) announce(`Uploads ended: ${words}`);
  close.hidden = busy;
}

document.getElementById("uploads-cancel").addEventListener("click", () => {
  for (const job of jobs) if (job.state === "waiting") drop(job);
  if (running) drop(running);
});
document.getElementById("uploads-close").addEventListener("click", () => {
  jobs.length = 0;
  list.replaceChildren();
  panel.hidden = true;
});

// Ways in: two inputs, a button in the empty page, a key, and dropping.
const inputs = { "pick-files": "files-input", "pick-folder": "folder-input" };
for (const [button, input] of Object.entries(inputs)) {
  const field = document.getElementById(input);
  document.getElementById(button).addEventListener("click", () => field.click());
  field.addEventListener("change", () => {
    const picked = chosen(field);
    field.value = "";
    take(picked);
  });
}
document.addEventListener("click", (event) => {
  if (event.target.closest("[data-pick]")) document.getElementById("files-input").click();
});
document.addEventListener("keydown", (event) => {
  const typing = event.target.closest?.("input:not([type=checkbox]), textarea, select");
  if (event.key !== "u" || typing || event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  document.getElementById("files-input").click();
});

const target = document.getElementById("drop");
let depth = 0;
const brings = (event) => event.dataTransfer?.types.includes("Files");
document.addEventListener("dragenter", (event) => {
  if (!brings(event)) return;
  depth += 1;
  target.hidden = false;
});
document.addEventListener("dragleave", (event) => {
  if (!brings(event)) return;
  depth = Math.max(0, depth - 1);
  target.hidden = depth === 0;
});
document.addEventListener("dragover", (event) => { if (brings(event)) event.preventDefault(); });
document.addEventListener("drop", (event) => {
  if (!brings(event)) return;
  event.preventDefault();
  depth = 0;
  target.hidden = true;
  dropped(event.dataTransfer).then(take);
});
window.addEventListener("beforeunload", (event) => {
  if (running) event.preventDefault();
});

// Undo is offered for a while; afterwards the trash has it.
function letUndoEnd() {
  for (const button of document.querySelectorAll("[data-undo]:not([data-ends])")) {
    button.dataset.ends = "yes";
    setTimeout(() => button.remove(), UNDO_MS);
  }
}
document.addEventListener("htmx:afterSettle", letUndoEnd);
letUndoEnd();
