// A server's screen: asks for a ticket, connects by websocket, hands it to noVNC, says how it stands.
import RFB from "../vendor/novnc/core/rfb.js";

const bar = document.getElementById("console");
const holder = document.getElementById("screen");
const trouble = document.getElementById("trouble");
const dot = document.querySelector("#state .status-dot");
const fragment = new URLSearchParams(location.hash.slice(1));
const ENDS = {
  1001: "The console service is restarting.",
  1006: "The console service cannot be reached.",
  1011: "The console service failed. Its log says why.",
  4401: "This address was used already, or it is too old. Each opens the screen once.",
  4408: "Nothing happened for a long time, so the connection was closed.",
  4409: "A console has a longest time, and it is over.",
  4503: "The server has no screen now. It may be off, or starting.",
};
const reconnect = document.getElementById("reconnect");
const tryAgain = document.getElementById("try-again");
const tools = { keys: document.getElementById("keys"), paste: document.getElementById("paste") };
let rfb = null;
let oneTicket = fragment.get("ticket");

if (oneTicket) {
  // What can be used once must not stay in the address, from where it might be copied.
  const server = fragment.get("server") ?? "";
  const name = fragment.get("name") ?? "";
  history.replaceState(null, "", `#server=${encodeURIComponent(server)}&name=${encodeURIComponent(name)}`);
}
if (fragment.get("name") && document.getElementById("name")) {
  document.getElementById("name").textContent = fragment.get("name");
  document.title = `${fragment.get("name")} console`;
}

async function connect() {
  if (rfb) return rfb.disconnect();
  show("Connecting", "blue", true);
  trouble.hidden = true;
  const ticket = await newTicket();
  if (!ticket) return;
  const socket = new WebSocket(`${bar.dataset.websocket}?ticket=${encodeURIComponent(ticket)}`, ["binary"]);
  let end = null;
  socket.addEventListener("close", (event) => { end = event; });
  rfb = new RFB(holder, socket, { shared: true });
  rfb.scaleViewport = true;
  rfb.background = "transparent";
  rfb.addEventListener("connect", () => {
    show("Connected", "green");
    for (const tool of Object.values(tools)) tool.disabled = false;
    rfb.focus();
  });
  rfb.addEventListener("disconnect", () => {
    rfb = null;
    for (const tool of Object.values(tools)) tool.disabled = true;
    fail(ENDS[end?.code] ?? "The connection was closed.");
  });
}

async function newTicket() {
  if (oneTicket) {
    const ticket = oneTicket;
    oneTicket = null;
    return ticket;
  }
  if (!bar.dataset.ticket) {
    const server = fragment.get("server") ?? "";
    if (/^[0-9a-f-]{36}$/.test(server)) location.assign(bar.dataset.again.replace("UUID", server));
    else fail("This page needs an address that is made for it: openstack console url show SERVER", false);
    return null;
  }
  try {
    const answer = await fetch(bar.dataset.ticket, {
      method: "POST",
      headers: { "X-CSRFToken": document.querySelector("[name=csrfmiddlewaretoken]").value },
    });
    if (answer.redirected) location.reload();
    const body = await answer.json();
    if (answer.ok) return body.ticket;
    fail(body.message);
  } catch {
    fail("The cloud cannot be reached.");
  }
  return null;
}

function fail(words, again = true) {
  show("Not connected", "secondary");
  for (const button of [reconnect, tryAgain]) button.hidden = !again;
  document.getElementById("trouble-words").textContent = words;
  trouble.hidden = false;
}

function show(word, colour, busy = false) {
  document.getElementById("state-word").textContent = word;
  dot.className = `status-dot bg-${colour}${busy ? " status-dot-animated" : ""}`;
}

// Keys are pressed one after the other: what is typed too fast gets lost in a guest that is busy. A machine has a
// keyboard, not characters: where an American one needs Shift, Shift is held.
const SHIFTED = /[A-Z~!@#$%^&*()_+{}|:"<>?]/;
const SHIFT = 0xffe1;

async function type(text) {
  for (const character of text.replaceAll("\r\n", "\n")) {
    if (!rfb) return;
    const point = character.codePointAt(0);
    const keysym = character === "\n" ? 0xff0d : character === "\t" ? 0xff09 : point < 0x100 ? point : 0x1000000 + point;
    if (SHIFTED.test(character)) rfb.sendKey(SHIFT, "ShiftLeft", true);
    rfb.sendKey(keysym, null);
    if (SHIFTED.test(character)) rfb.sendKey(SHIFT, "ShiftLeft", false);
    await new Promise((done) => setTimeout(done, 12));
  }
}

const dialog = document.getElementById("paste-dialog");
const text = document.getElementById("paste-text");
reconnect.addEventListener("click", async () => {
  if (!rfb) return connect();
  rfb.addEventListener("disconnect", connect);
  rfb.disconnect();
});
tryAgain.addEventListener("click", connect);
tools.keys.addEventListener("click", () => { rfb?.sendCtrlAltDel(); rfb?.focus(); });
tools.paste.addEventListener("click", () => { text.value = ""; dialog.showModal(); });
dialog.addEventListener("close", () => {
  if (dialog.returnValue === "type") type(text.value);
  rfb?.focus();
});
document.getElementById("full").addEventListener("click", () => {
  if (document.fullscreenElement) document.exitFullscreen();
  else document.documentElement.requestFullscreen();
});
connect();
