/** What `selector` finds in `root`. The page and the code are built together: an absence is a bug, and thrown as one. */
export function find<T extends Element>(selector: string, type: new () => T, root: ParentNode = document): T {
  const found = root.querySelector(selector);
  if (!(found instanceof type)) throw new Error(`The page has no ${type.name} at ${selector}.`);
  return found;
}

/** A new copy of what the page's `<template>` with this id holds. */
export function stamp(template: string): HTMLElement {
  const content = find(`template#${template}`, HTMLTemplateElement).content;
  return find("*", HTMLElement, document.importNode(content, true));
}
