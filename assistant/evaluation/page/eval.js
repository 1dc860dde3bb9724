// Which cases are shown; without this script, all are.
"use strict";
const find = (id) => document.getElementById(id);
const cases = [...document.querySelectorAll("#cases .case")];
const texts = cases.map((one) => one.textContent.toLowerCase());
const choices = ["outcome", "half", "tag"].map(find);
const words = find("words");

function fits(one, text) {
  const [outcome, half, tag] = choices.map((choice) => choice.value);
  if (outcome === "failing" ? one.dataset.failing !== "1" : outcome && one.dataset.outcome !== outcome) return false;
  if (half && one.dataset.half !== half) return false;
  if (tag && !one.dataset.tags.split(" ").includes(tag)) return false;
  return words.value.toLowerCase().split(/\s+/).every((word) => text.includes(word));
}

function show() {
  let count = 0;
  cases.forEach((one, place) => {
    one.hidden = !fits(one, texts[place]);
    if (!one.hidden) count += 1;
  });
  find("count").textContent = count ? `${count} of ${cases.length}` : `none of ${cases.length} fits`;
}

for (const choice of [...choices, words]) choice.addEventListener("input", show);
for (const id of ["open", "close"]) {
  find(id).addEventListener("click", () => {
    for (const one of cases) if (!one.hidden) one.open = id === "open";
  });
}
for (const link of document.querySelectorAll("a[data-outcome]")) {
  link.addEventListener("click", () => {
    choices[0].value = link.dataset.outcome;
    show();
  });
}
show();
