import type { Todo } from "./api";
import { find, stamp } from "./dom";

export interface RowActions {
  complete(todo: Todo, completed: boolean): void;
  /** Calls `kept` after the new title is saved. */
  rename(todo: Todo, title: string, kept: () => void): void;
  remove(todo: Todo): void;
}

/** A todo in the list: a checkbox with its title, or a form while it is renamed. */
export class TodoRow {
  readonly element = stamp("todo-row");
  readonly #checkbox = find("input[type=checkbox]", HTMLInputElement, this.element);
  readonly #title = find(".title", HTMLElement, this.element);
  readonly #shown = find(".shown", HTMLElement, this.element);
  readonly #rename = find("button.rename", HTMLButtonElement, this.element);
  readonly #delete = find("button.delete", HTMLButtonElement, this.element);
  readonly #editor = find("form.editor", HTMLFormElement, this.element);
  readonly #field = find(".editor input", HTMLInputElement, this.element);
  #todo: Todo;

  constructor(todo: Todo, actions: RowActions) {
    this.#todo = todo;
    this.#checkbox.addEventListener("change", () => actions.complete(this.#todo, this.#checkbox.checked));
    this.#delete.addEventListener("click", () => actions.remove(this.#todo));
    this.#rename.addEventListener("click", () => this.#edit());
    find("button.cancel", HTMLButtonElement, this.element).addEventListener("click", () => this.#close());
    this.#editor.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && !event.isComposing) this.#close();
    });
    this.#editor.addEventListener("submit", (event) => {
      event.preventDefault();
      actions.rename(this.#todo, this.#field.value.trim(), () => this.#close());
    });
    this.show(todo);
  }

  show(todo: Todo): void {
    this.#todo = todo;
    this.#checkbox.checked = todo.completed;
    this.#title.textContent = todo.title;
    this.#rename.ariaLabel = `Rename ${todo.title}`;
    this.#delete.ariaLabel = `Delete ${todo.title}`;
  }

  focus(): void {
    this.#checkbox.focus();
  }

  #edit(): void {
    this.#shown.hidden = true;
    this.#editor.hidden = false;
    this.#field.value = this.#todo.title;
    this.#field.focus();
    this.#field.select();
  }

  #close(): void {
    const wasInside = this.#editor.contains(document.activeElement);
    this.#editor.hidden = true;
    this.#shown.hidden = false;
    if (wasInside) this.#rename.focus();
  }
}
