import { find, stamp } from "./dom";

/** A sentence with a button for its action. */
export function offer(sentence: string, label: string, act: () => void): HTMLElement {
  const element = stamp("offer");
  const button = find("button", HTMLButtonElement, element);
  find(".text", HTMLElement, element).textContent = sentence;
  button.textContent = label;
  button.addEventListener("click", act);
  return element;
}
