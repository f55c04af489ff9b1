import { find } from "./dom";

const OFF = "todo-shortcuts-off";
const TYPING = "input:not([type=checkbox]), textarea";

/**
 * Single-key shortcuts for the whole page, except while typing.
 *
 * They can be switched off, because speech input may press keys by accident:
 * https://www.w3.org/WAI/WCAG22/Understanding/character-key-shortcuts
 */
export function listenForShortcuts(shortcuts: ReadonlyMap<string, () => void>): void {
  const on = find("#shortcuts-on", HTMLInputElement);
  on.checked = localStorage.getItem(OFF) === null;
  on.addEventListener("change", () => {
    if (on.checked) localStorage.removeItem(OFF);
    else localStorage.setItem(OFF, "");
  });
  document.addEventListener("keydown", (event) => {
    const typing = event.target instanceof Element && event.target.matches(TYPING);
    const act = shortcuts.get(event.key);
    if (!act || !on.checked || typing || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    event.preventDefault();
    act();
  });
}
