// Draws a table that Python describes: texts as text, pictures from data: addresses alone.

function cellOf(tag, cell) {
  const made = document.createElement(tag);
  const pictures = document.createElement("div");
  pictures.className = "pictures";
  for (const address of cell.pictures) {
    const picture = document.createElement("img");
    picture.alt = "";
    picture.src = address;
    pictures.append(picture);
  }
  if (cell.pictures.length) made.append(pictures);
  const text = document.createElement("span");
  text.textContent = cell.text;
  made.append(text);
  if (cell.shade !== null) made.style.setProperty("--shade", `${Math.round(4 + cell.shade * 66)}%`);
  made.classList.toggle("shaded", cell.shade !== null);
  made.classList.toggle("strong", cell.strong);
  if (cell.tone) made.dataset.tone = cell.tone;
  return made;
}

function rowOf(cells, head) {
  const row = document.createElement("tr");
  cells.forEach((cell, at) => {
    const made = cellOf(head || at === 0 ? "th" : "td", cell);
    if (head || at === 0) made.scope = head ? "col" : "row";
    row.append(made);
  });
  return row;
}

export default function (component) {
  const { data, parentElement } = component;
  if (!data) return;
  const table = parentElement.querySelector("table");
  const head = document.createElement("thead");
  head.append(rowOf(data.head, true));
  const body = document.createElement("tbody");
  body.append(...data.rows.map((row) => rowOf(row, false)));
  table.replaceChildren(head, body);
}
