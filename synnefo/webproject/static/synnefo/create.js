// The create page: what the choice costs (quota before and after), what does not fit, and the same as commands.
const offer = JSON.parse(document.getElementById("offer").textContent);
const form = document.getElementById("create");
const floating = document.getElementById("floating_ip");
const floatingImpossible = floating.disabled;

const chosen = (name) => form.querySelector(`[name="${name}"]:checked`)?.value ?? "";

function update() {
  greyOutFlavors();
  form.classList.toggle("with-new-key", chosen("key") === "new");
  floating.disabled = floatingImpossible || chosen("network") === "none";
  showCost();
  document.getElementById("command").textContent = commands();
}

function greyOutFlavors() {
  const image = offer.images[chosen("image")];
  for (const input of form.querySelectorAll('[name="flavor"]')) {
    const flavor = offer.flavors[input.value];
    let why = flavor.forbidden;
    if (!why && image && flavor.disk < image.min_disk) why = `the image needs ${image.min_disk} GB of disk`;
    if (!why && image && flavor.ram < image.min_ram) why = `the image needs ${image.min_ram} MB of RAM`;
    input.disabled = Boolean(why);
    const words = document.getElementById(`why-${input.value}`);
    words.textContent = why || words.dataset.usual;
    if (input.disabled && input.checked) input.checked = false;
  }
}

function costOf() {
  const cost = { ...(offer.flavors[chosen("flavor")]?.cost ?? {}) };
  if (floating.checked && !floating.disabled) cost["cyclades.floating_ip"] = 1;
  return cost;
}

function showCost() {
  const cost = costOf();
  const told = [];
  for (const item of form.querySelectorAll("[data-resource]")) {
    const { usage, limit, unit } = offer.quota[item.dataset.resource];
    const more = cost[item.dataset.resource] ?? 0;
    const after = usage + more;
    const words = item.querySelector("[data-words]");
    const change = more ? `${amount(usage, unit)} → ${amount(after, unit)}` : amount(usage, unit);
    words.textContent = limit === null ? `${change} used` : `${change} of ${amount(limit, unit)}`;
    if (more) told.push(`${item.querySelector("span").textContent} ${amount(more, unit)}`);
    item.classList.toggle("too-much", limit !== null && after > limit);
    const bar = item.querySelector(".bar");
    if (!bar || !limit) continue;
    const used = Math.min(100, (100 * usage) / limit);
    const wanted = bar.querySelector(".bar-wanted");
    wanted.setAttribute("x", `${used}%`);
    wanted.setAttribute("width", `${Math.min(100 - used, (100 * more) / limit)}%`);
  }
  document.getElementById("cost-words").textContent = told.length ? `Takes ${told.join(", ")}` : "";
}

function amount(number, unit) {
  if (unit !== "bytes") return String(number);
  const units = ["bytes", "KB", "MB", "GB", "TB", "PB"];
  let power = 0;
  while (power < units.length - 1 && number >= 1024 ** (power + 1)) power += 1;
  const value = number / 1024 ** power;
  return `${Number(value.toFixed(value < 10 ? 2 : 1))} ${units[power]}`;
}

// A word as shells take it literally.
function quoted(text) {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

function commands() {
  const name = quoted(form.elements.name.value.trim() || "NAME");
  const lines = [];
  let key = chosen("key");
  if (key === "new") {
    const comment = form.elements.new_key.value.trim().split(/\s+/).slice(2).join(" ");
    key = form.elements.new_key_name.value.trim() || comment || "my key";
    lines.push(`openstack keypair create --public-key ~/.ssh/id_ed25519.pub ${quoted(key)}`);
  }
  let network = chosen("network");
  if (network === "new") {
    network = offer.new_network.name;
    lines.push(`openstack network create ${network}`,
      `openstack subnet create --network ${network} --subnet-range ${offer.new_network.cidr} ${network}`);
  } else if (network !== "none") network = offer.networks[network] ?? "NETWORK";
  const parts = [
    "openstack server create",
    `--image ${quoted(offer.images[chosen("image")]?.name ?? "IMAGE")}`,
    `--flavor ${quoted(offer.flavors[chosen("flavor")]?.name ?? "FLAVOR")}`,
    network === "none" ? "--nic none" : `--network ${quoted(network)}`,
  ];
  if (key !== "none") parts.push(`--key-name ${quoted(key)}`);
  if (form.elements.user_data.value) parts.push("--user-data FILE");
  lines.push(`${parts.join(" \\\n  ")} \\\n  ${name}`);
  if (floating.checked && !floating.disabled) {
    lines.push(`openstack floating ip create ${quoted(offer.pool)}`, `openstack server add floating ip ${name} ADDRESS`);
  }
  return lines.join("\n");
}

form.addEventListener("input", update);
form.addEventListener("change", update);
window.addEventListener("pageshow", update);
update();
