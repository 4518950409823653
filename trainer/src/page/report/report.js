// Sorting. The idea: the page is whole without this script; it only moves items that are there already.
(() => {
  "use strict";
  const list = document.getElementById("photographs");
  const measure = document.getElementById("measure");
  const direction = document.getElementById("direction");
  let turned = false;

  const nameOf = (item) => item.querySelector("h3").firstChild.data;

  // What was not measured goes to the end, whichever way the rest is sorted.
  const byNumber = (key, sign) => (a, b) => {
    const [x, y] = [Number(a.dataset[key]), Number(b.dataset[key])];
    if (Number.isNaN(x) || Number.isNaN(y)) return Number.isNaN(x) - Number.isNaN(y);
    return x === y ? 0 : sign * (x < y ? -1 : 1);
  };

  const sort = () => {
    const chosen = measure.selectedOptions[0];
    const byName = chosen.value === "name";
    const sign = (turned ? -1 : 1) * (byName || chosen.dataset.worstIsLow === "true" ? 1 : -1);
    const names = (a, b) => sign * nameOf(a).localeCompare(nameOf(b));
    const items = [...list.children].sort(byName ? names : byNumber(chosen.value, sign));
    list.append(...items);
    direction.textContent = byName ? (turned ? "Z to A" : "A to Z") : turned ? "best first" : "worst first";
    direction.setAttribute("aria-pressed", String(turned));
  };

  measure.addEventListener("change", sort);
  direction.addEventListener("click", () => {
    turned = !turned;
    sort();
  });
  document.getElementById("sorting").hidden = false;
  sort();
})();
