// Hashes as the object store takes them: SHA-256 of a block without the NULs at its end, and the root of the tree over
// these. Browsers have SHA-256 for secure pages alone; on others a library computes it.
import { sha256 as slow } from "../vendor/noble-hashes/sha2.js";

const subtle = globalThis.isSecureContext ? globalThis.crypto?.subtle : undefined;

async function sha256(bytes) {
  return subtle ? new Uint8Array(await subtle.digest("SHA-256", bytes)) : slow(bytes);
}

export async function blockHash(bytes) {
  let end = bytes.length;
  while (end > 0 && bytes[end - 1] === 0) end -= 1;
  return hex(await sha256(bytes.subarray(0, end)));
}

export async function topHash(hashes) {
  if (!hashes.length) return hex(await sha256(new Uint8Array()));
  let level = hashes.map(unhex);
  while (level.length & (level.length - 1)) level.push(new Uint8Array(32));
  while (level.length > 1) {
    const next = [];
    for (let index = 0; index < level.length; index += 2) {
      const pair = new Uint8Array(64);
      pair.set(level[index]);
      pair.set(level[index + 1], 32);
      next.push(await sha256(pair));
    }
    level = next;
  }
  return hex(level[0]);
}

function hex(bytes) {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function unhex(text) {
  return Uint8Array.from(text.match(/../g), (pair) => Number.parseInt(pair, 16));
}
