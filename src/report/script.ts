/**
 * The script of all pages. It only adds sorting: without it everything is there to read. It holds no text from files, and
 * reads the page's text only to compare it.
 */
export const SCRIPT = `
const compare = new Intl.Collator(undefined, { numeric: true }).compare;
for (const bar of document.querySelectorAll('[data-sorts]')) {
  const list = document.getElementById(bar.dataset.sorts);
  bar.hidden = false;
  bar.addEventListener('click', ({ target }) => {
    const key = target.dataset && target.dataset.key;
    if (!key) return;
    for (const button of bar.querySelectorAll('button')) button.setAttribute('aria-pressed', String(button === target));
    const items = [...list.children];
    items.sort((a, b) => compare(a.dataset[key], b.dataset[key]) || a.dataset.rank - b.dataset.rank);
    list.append(...items);
  });
}
for (const table of document.querySelectorAll('table[data-sortable]')) {
  const heads = [...table.tHead.rows[0].cells];
  const body = table.tBodies[0];
  if (body.rows.length < 2) continue;
  heads.forEach((head, column) => {
    const button = document.createElement('button');
    button.type = 'button';
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener('click', () => {
      const down = head.getAttribute('aria-sort') === 'ascending';
      for (const other of heads) other.removeAttribute('aria-sort');
      head.setAttribute('aria-sort', down ? 'descending' : 'ascending');
      const text = (row) => row.cells[column].textContent;
      const number = (row) => (row.cells[column].dataset.value === 'NaN' ? Infinity : Number(row.cells[column].dataset.value));
      const order = head.className === 'number' ? (a, b) => number(a) - number(b) || 0 : (a, b) => compare(text(a), text(b));
      const rows = [...body.rows].sort(order);
      body.append(...(down ? rows.reverse() : rows));
    });
  });
}
`;
