// Files that were chosen or dropped, with the folders that they lie in; and what to do about names that are taken.

// [{file, path}] of an input, whose folders stand in webkitRelativePath.
export function chosen(input) {
  return Array.from(input.files, (file) => ({ file, path: file.webkitRelativePath || file.name }));
}

// The same of what was dropped, folders with all that is in them.
export async function dropped(transfer) {
  const entries = Array.from(transfer.items, (item) => item.webkitGetAsEntry?.()).filter(Boolean);
  if (!entries.length) return Array.from(transfer.files, (file) => ({ file, path: file.name }));
  const found = [];
  for (const entry of entries) await walk(entry, "", found);
  return found;
}

async function walk(entry, folder, found) {
  if (entry.isFile) {
    const file = await new Promise((resolve, reject) => entry.file(resolve, reject));
    found.push({ file, path: folder + entry.name });
    return;
  }
  const reader = entry.createReader();
  for (;;) {
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (!some.length) return;
    for (const inner of some) await walk(inner, `${folder}${entry.name}/`, found);
  }
}

// Asks about names that are taken: the files that are to be sent, under names as they came or under free ones.
export async function settle(jobs, taken, dialog) {
  const busy = await taken(jobs.map((job) => job.name));
  const clashing = jobs.filter((job) => busy.has(job.name));
  if (!clashing.length) return jobs;
  const answer = await question(clashing, dialog);
  if (answer === "overwrite") {
    for (const job of clashing) job.overwrite = true;
    return jobs;
  }
  const rest = jobs.filter((job) => !busy.has(job.name));
  if (answer === "both") {
    await rename(clashing, new Set(rest.map((job) => job.name)), taken);
    return jobs;
  }
  return answer === "skip" ? rest : [];
}

function question(clashing, dialog) {
  const one = clashing.length === 1;
  dialog.querySelector("#taken-title").textContent = one ? "This name is taken" : `${clashing.length} names are taken`;
  dialog.querySelector("#taken-words").textContent = dialog.dataset.words;
  dialog.querySelector("#taken-list").replaceChildren(...clashing.slice(0, 100).map((job) => {
    const item = document.createElement("li");
    item.textContent = job.name;
    return item;
  }));
  dialog.querySelector('[value="skip"]').textContent = one ? "Skip it" : "Skip these";
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue), { once: true });
  });
}

// "photo.jpg" becomes "photo (2).jpg", or the first number that nothing has.
async function rename(clashing, used, taken) {
  let left = clashing.map((job) => ({ job, name: job.name }));
  for (let number = 2; left.length; number += 1) {
    const tries = left.map(({ name }) => numbered(name, number));
    const busy = await taken(tries);
    const next = [];
    left.forEach((one, index) => {
      if (busy.has(tries[index]) || used.has(tries[index])) return next.push(one);
      one.job.name = tries[index];
      return used.add(tries[index]);
    });
    left = next;
  }
}

function numbered(name, number) {
  const slash = name.lastIndexOf("/");
  const dot = name.lastIndexOf(".");
  const at = dot > slash + 1 ? dot : name.length;
  return `${name.slice(0, at)} (${number})${name.slice(at)}`;
}
