// @ts-check
/** Tables that are wider than their place: each row becomes a block whose cells say their heads. */

const WIDE_PX = 960; // a wider place shows so many columns that rows are better compared beneath each other

/**
 * Lay out the table in a region as its width allows, now and whenever the width changes.
 * @param {HTMLElement} region
 */
export function watchWidth(region) {
  // in the next frame: a height that changes while it is told is reported as an error
  new ResizeObserver(() => requestAnimationFrame(() => reflow(region))).observe(region);
}

/** Lay out the table in a region anew, as after a change of its cells. @param {HTMLElement} region */
export function reflow(region) {
  const table = region.querySelector("table");
  if (!table?.tHead) return;
  const heads = [...table.tHead.rows[0].cells].flatMap((head) => [headText(head), ...Array(head.colSpan - 1).fill("")]);
  for (const { rows } of [...table.tBodies, table.tFoot].filter((part) => part !== null))
    for (const { cells } of rows) [...cells].forEach((cell, index) => (cell.dataset.head = heads[index]));
  table.classList.remove("stacked");
  table.classList.toggle("stacked", region.clientWidth < WIDE_PX && table.offsetWidth > region.clientWidth);
}

/** The name of a head, without what explains it. @param {HTMLElement} head */
function headText(head) {
  const hint = head.querySelector("small")?.textContent ?? "";
  return (head.textContent ?? "").replace(hint, "");
}
