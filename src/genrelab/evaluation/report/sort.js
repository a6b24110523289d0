for (const table of document.querySelectorAll("table.sortable")) {
  const body = table.tBodies[0];
  table.tHead.rows[0].querySelectorAll("th").forEach((head, column) => head.addEventListener("click", () => {
    const value = row => { const t = row.cells[column].textContent.trim().replace("−", "-"); const n = parseFloat(t); return t === "–" ? -Infinity : isNaN(n) ? t : n; };
    const down = head.dataset.down !== "1"; head.dataset.down = down ? "1" : "0";
    const compare = (a, b) => { const x = value(a), y = value(b); return typeof x === "number" && typeof y === "number" ? y - x : String(x).localeCompare(String(y)); };
    [...body.rows].sort((a, b) => down ? compare(a, b) : compare(b, a)).forEach(row => body.append(row));
  }));
}
