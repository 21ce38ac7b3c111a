"use strict";
// Shows the items of one disposition, or all of them again. Without this script the page shows all.
const buttons = [...document.querySelectorAll("button[data-show]")];
const rows = [...document.querySelectorAll("tr[data-disposition]")];
const shown = document.getElementById("shown");
const all = shown.textContent;
for (const button of buttons) {
  button.addEventListener("click", () => {
    const chosen = button.getAttribute("aria-pressed") === "true" ? "" : button.dataset.show;
    for (const other of buttons) other.setAttribute("aria-pressed", String(other.dataset.show === chosen));
    let count = 0;
    for (const row of rows) {
      row.hidden = chosen !== "" && row.dataset.disposition !== chosen;
      count += row.hidden ? 0 : 1;
    }
    if (chosen) shown.closest("table").scrollIntoView();
    shown.textContent = chosen ? `${count} of ${rows.length} items: ${chosen}` : all;
  });
}
