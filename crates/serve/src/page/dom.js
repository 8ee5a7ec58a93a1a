// Makes elements. Text is always text: names of photos and classes come from strangers.

/** Makes an element with attributes and children. */
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, '');
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

/** The element of an id. */
export const byId = (id) => document.getElementById(id);

/** Gives a list its choices, and keeps what is chosen; `first` at first. */
export function choices(select, pairs, first = '') {
  const before = select.options.length ? select.value : first;
  select.replaceChildren(...pairs.map(([value, text]) => make('option', { value, selected: value === before }, text)));
}

/** Offers text as a file. */
export function download(name, type, text) {
  const address = URL.createObjectURL(new Blob([text], { type }));
  make('a', { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 1000);
}
