/** Returns the element for `selector` in `root`. Page and code are built together, so a missing one throws. */
export function find<T extends Element>(selector: string, type: new () => T, root: ParentNode = document): T {
  const found = root.querySelector(selector);
  if (!(found instanceof type)) throw new Error(`The page has no ${type.name} at ${selector}.`);
  return found;
}

/** Returns a new copy of the content of the `<template>` with this id. */
export function stamp(template: string): HTMLElement {
  const content = find(`template#${template}`, HTMLTemplateElement).content;
  return find("*", HTMLElement, document.importNode(content, true));
}
