// The create page: what the choice costs (quota before and after), and what does not fit.
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

form.addEventListener("input", update);
form.addEventListener("change", update);
window.addEventListener("pageshow", update);
update();
