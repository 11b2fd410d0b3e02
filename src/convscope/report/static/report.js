// @ts-check
import { watchWidth } from "../../explorer/static/reflow.js";

/**
 * What a cell is sorted by: its number where it has one, else its text.
 * @param {HTMLTableRowElement} row
 * @param {number} column
 */
function sortKey(row, column) {
  return Number(row.cells[column].dataset.value ?? "0");
}

/**
 * Sort the rows of a table by one column; a second press turns the order around.
 * @param {HTMLTableElement} table
 * @param {HTMLTableCellElement} heading
 */
function sortBy(table, heading) {
  const column = heading.cellIndex;
  const ascending = heading.getAttribute("aria-sort") !== "ascending";
  for (const other of table.querySelectorAll("th[aria-sort]")) other.removeAttribute("aria-sort");
  heading.setAttribute("aria-sort", ascending ? "ascending" : "descending");
  const rows = [...table.tBodies[0].rows];
  const sign = ascending ? 1 : -1;
  rows.sort((a, b) => sign * (sortKey(a, column) - sortKey(b, column)) || sortKey(a, 0) - sortKey(b, 0));
  table.tBodies[0].append(...rows);
}

for (const table of /** @type {NodeListOf<HTMLTableElement>} */ (document.querySelectorAll("table.sortable"))) {
  for (const heading of /** @type {NodeListOf<HTMLTableCellElement>} */ (table.querySelectorAll("th[data-sort]"))) {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...heading.childNodes);
    button.addEventListener("click", () => sortBy(table, heading));
    heading.append(button);
  }
}

for (const command of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll(".command"))) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "copy";
  button.textContent = "Copy";
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(command.textContent ?? "");
      button.textContent = "Copied";
    } catch {
      getSelection()?.selectAllChildren(command);
      button.textContent = "Selected: press Ctrl+C";
    }
  });
  command.after(button);
}

/** Open what is closed around the place in the address, and go there. */
function reveal() {
  const place = document.getElementById(location.hash.slice(1));
  const closed = place?.closest("details:not([open])");
  if (!closed) return;
  closed.setAttribute("open", "");
  place?.scrollIntoView();
}

addEventListener("hashchange", reveal);
reveal();

for (const region of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll(".scroll"))) watchWidth(region);
