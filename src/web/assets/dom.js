// Making and changing elements. Text is only ever set as text.

/** make('p', {className: 'x', textContent: '...'}, child, ...) */
export function make(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

/** svg('rect', {x: 1, class: 'y'}, child, ...) */
export function svg(tag, attributes = {}, ...children) {
  const made = document.createElementNS('http://www.w3.org/2000/svg', tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/**
 * Makes the rows of a table's body say what `rows` does, and touches only what is different, so that what
 * somebody has selected there stays selected. A cell is {text, className, badges: [[text, kind]], scope};
 * the one with a scope heads its row.
 */
export function setRows(body, rows) {
  while (body.rows.length > rows.length) body.deleteRow(-1);
  while (body.rows.length < rows.length) body.insertRow();
  rows.forEach((cells, i) => {
    const row = body.rows[i];
    while (row.cells.length > cells.length) row.deleteCell(-1);
    cells.forEach((cell, n) => setCell(row, n, cell));
  });
}

function setCell(row, n, cell) {
  const said = JSON.stringify(cell);
  if (row.cells[n]?.said === said) return;
  const made = make(cell.scope === undefined ? 'td' : 'th', { className: cell.className ?? '' });
  if (cell.scope !== undefined) made.scope = cell.scope;
  made.said = said;
  if (cell.text !== undefined) made.append(cell.text);
  for (const [text, kind] of cell.badges ?? []) made.append(' ', make('span', { className: `badge ${kind}`, textContent: text }));
  if (n < row.cells.length) row.cells[n].replaceWith(made);
  else row.append(made);
}
