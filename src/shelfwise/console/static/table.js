// Tables that sort by their columns.

import { element } from "./dom.js";
import { text } from "./texts.js";

/**
 * Make a table.
 * @param {Object} options
 * @param {Array<{title: string, cell: (row: any) => Node|string, value?: (row: any) => number|string, isNumber?: boolean}>}
 *   options.columns A column with `value` can be sorted by it, what is null last; the first column heads its row.
 * @param {Array} options.rows
 * @param {string} options.caption For screen readers, and seen with `showsCaption`.
 * @param {boolean} [options.showsCaption]
 * @param {(row: any) => Object} [options.rowProperties] For `element`, as in `{data: {id}}`.
 * @returns {HTMLElement} The table in a frame that scrolls sideways where it has to.
 */
export function table({ columns, rows, caption, showsCaption = false, rowProperties = () => ({}) }) {
  const body = element("tbody");
  const sorted = { column: null, isAscending: true };
  const heads = columns.map((column) => {
    const head = element("th", { scope: "col", class: column.isNumber ? "number" : null });
    if (!column.value) head.textContent = column.title;
    else {
      const label = text("table.sort_by", { column: column.title });
      head.append(element("button", { type: "button", class: "sort", title: label, text: column.title, on: { click: () => sortBy(column) } }));
    }
    return head;
  });

  function sortBy(column) {
    const isSame = sorted.column === column;
    sorted.isAscending = isSame ? !sorted.isAscending : !column.isNumber;
    sorted.column = column;
    heads.forEach((head) => head.removeAttribute("aria-sort"));
    heads[columns.indexOf(column)].setAttribute("aria-sort", sorted.isAscending ? "ascending" : "descending");
    const isKnown = (row) => column.value(row) !== null && column.value(row) !== undefined;
    const way = sorted.isAscending ? 1 : -1;
    const known = rows.filter(isKnown).sort((a, b) => way * compared(column.value(a), column.value(b)));
    draw([...known, ...rows.filter((row) => !isKnown(row))]);
  }

  function draw(shown) {
    body.replaceChildren(...shown.map((row) => element("tr", rowProperties(row), columns.map((column, place) => cellOf(column, row, place)))));
  }

  draw(rows);
  const made = element("table", {}, element("caption", { class: showsCaption ? null : "visually-hidden", text: caption }), element("thead", {}, element("tr", {}, heads)), body);
  return element("div", { class: "table-scroll", tabindex: "0", role: "region", "aria-label": caption }, made);
}

function cellOf(column, row, place) {
  const properties = { class: column.isNumber ? "number" : null, scope: place === 0 ? "row" : null };
  const content = column.cell(row);
  return element(place === 0 ? "th" : "td", properties, content === null || content === undefined ? "–" : content);
}

function compared(a, b) {
  return typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b), document.documentElement.lang, { numeric: true });
}
