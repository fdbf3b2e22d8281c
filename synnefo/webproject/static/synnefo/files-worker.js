// Uploads one file after another, away from the page: reads it block by block, hashes, tells the store the hashes, and
// sends those blocks alone that the store does not know. The page hands in files and passes, and hears of progress.
import { blockHash, topHash } from "./files-hash.js";

const PARALLEL = 4;
const TRIES = 7;
const FIRST_PAUSE_MS = 500;
const ROUNDS = 3;

let cancel = new AbortController();
let waiting = null;

class Trouble extends Error {
  constructor(status, words) {
    super(words);
    this.status = status;
  }
}

self.addEventListener("message", async ({ data }) => {
  if (data.kind === "cancel") cancel.abort();
  if (data.kind === "pass") waiting?.(data.pass);
  if (data.kind !== "upload") return;
  cancel = new AbortController();
  try {
    const done = await upload(data);
    self.postMessage({ kind: "done", id: data.id, ...done });
  } catch (error) {
    const status = cancel.signal.aborted ? "cancelled" : error.status ?? 0;
    self.postMessage({ kind: "failed", id: data.id, status, words: error.message });
  }
});

async function upload(job) {
  const { file, id } = job;
  const size = job.pass.block_size;
  const count = Math.ceil(file.size / size);
  const hashes = [];
  for (let index = 0; index < count; index += 1) {
    hashes.push(await blockHash(await block(file, index, size)));
    tell(id, "hashing", { hashed: Math.min(file.size, (index + 1) * size) });
  }
  let sent = 0;
  for (let round = 0; round < ROUNDS; round += 1) {
    const missing = await name(job, hashes);
    if (!missing) return { sent, known: file.size - sent, hash: await topHash(hashes) };
    const wanted = missing.map((hash) => hashes.indexOf(hash)).filter((index) => index >= 0);
    const bytes = wanted.reduce((sum, index) => sum + lengthOf(file, index, size), 0);
    tell(id, "sending", { sent, toSend: sent + bytes, known: file.size - sent - bytes });
    const queue = [...wanted];
    let failure = null;
    const lane = async () => {
      try {
        for (let index = queue.shift(); index !== undefined; index = queue.shift()) {
          await send(job, index, hashes[index]);
          sent += lengthOf(file, index, size);
          tell(id, "sending", { sent });
        }
      } catch (error) {
        failure ??= error;
        queue.length = 0;
      }
    };
    // All lanes end before a failure is told: what is on its way still counts, and nothing is heard after the end.
    await Promise.all(Array.from({ length: Math.min(PARALLEL, queue.length) }, lane));
    if (failure) throw failure;
  }
  throw new Trouble(0, "The store keeps asking for parts that were sent. Try again later.");
}

function tell(id, phase, numbers) {
  self.postMessage({ kind: "progress", id, phase, ...numbers });
}

function lengthOf(file, index, size) {
  return Math.min(size, file.size - index * size);
}

async function block(file, index, size) {
  if (cancel.signal.aborted) throw new Trouble(0, "Cancelled");
  try {
    return new Uint8Array(await file.slice(index * size, (index + 1) * size).arrayBuffer());
  } catch {
    throw new Trouble(0, "The file cannot be read any more. Was it changed or moved? Choose it again.");
  }
}

// Names the content; the answer is null if that was all, else the hashes that are missing.
async function name(job, hashes) {
  const path = job.name.split("/").map(encodeURIComponent).join("/");
  const headers = { "Content-Type": job.file.type || "application/octet-stream" };
  if (!job.overwrite) headers["If-None-Match"] = "*";
  const response = await ask(job, "PUT", `${path}?format=json&hashmap`, headers, JSON.stringify({ bytes: job.file.size, hashes }));
  if (response.status === 201) return null;
  const answer = await response.json();
  if (response.status === 409 && Array.isArray(answer)) return answer;
  throw trouble(response.status, answer);
}

async function send(job, index, hash) {
  const bytes = await block(job.file, index, job.pass.block_size);
  const response = await ask(job, "POST", "?update&format=json", { "Content-Type": "application/octet-stream" }, bytes);
  const answer = await response.json();
  if (!response.ok) throw trouble(response.status, answer);
  if (answer[0] !== hash) throw new Trouble(0, "The file changed while it was being read. Try again.");
}

function trouble(status, answer) {
  const words = Object.values(answer ?? {})[0]?.message ?? "";
  return new Trouble(status, words);
}

// One request below the container; what may pass by itself is tried again, a pass that has ended is replaced once.
async function ask(job, method, path, headers, body) {
  let renewed = false;
  for (let attempt = 1; ; attempt += 1) {
    let status = 0;
    try {
      const { account_url, blocks_url } = job.pass;
      const url = path.startsWith("?") ? blocks_url + path : `${account_url}/${encodeURIComponent(job.container)}/${path}`;
      const response = await fetch(url, {
        method, body, headers: { ...headers, "X-Auth-Token": job.pass.token }, signal: cancel.signal, credentials: "omit",
      });
      status = response.status;
      if (status === 401 && !renewed) {
        renewed = true;
        job.pass = await newPass(job.id);
        continue;
      }
      if (status < 500 || status === 507) return response;
    } catch (error) {
      if (cancel.signal.aborted) throw error;
    }
    if (attempt >= TRIES) {
      throw new Trouble(status, status ? "The store has trouble. Try again later." : "The store cannot be reached. Try again later.");
    }
    self.postMessage({ kind: "progress", id: job.id, phase: "pausing", attempt });
    await pause(FIRST_PAUSE_MS * 2 ** (attempt - 1) * (0.75 + Math.random() / 2));
  }
}

function newPass(id) {
  self.postMessage({ kind: "pass", id });
  return new Promise((resolve) => { waiting = resolve; });
}

function pause(milliseconds) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, milliseconds);
    cancel.signal.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(new Trouble(0, "Cancelled"));
    }, { once: true });
  });
}
