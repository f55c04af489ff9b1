import type { Todo } from "./api";
import { find } from "./dom";
import { type RowActions, TodoRow } from "./todo-row";

/** The todos on the page: the open ones, and below them the completed ones. */
export class TodoList {
  readonly #loading = find("#loading", HTMLElement);
  readonly #empty = find("#empty", HTMLElement);
  readonly #count = find("#count", HTMLElement);
  readonly #open = find("#open", HTMLUListElement);
  readonly #done = find("#done", HTMLElement);
  readonly #completed = find("#completed", HTMLUListElement);
  readonly #title = find("#title", HTMLInputElement);
  readonly #rows = new Map<string, TodoRow>();
  readonly #actions: RowActions;

  constructor(actions: RowActions) {
    this.#actions = actions;
  }

  /** Undefined before the first successful response. */
  show(todos: readonly Todo[] | undefined): void {
    this.#loading.hidden = true;
    if (!todos) return;
    const open = todos.filter((todo) => !todo.completed);
    const completed = todos.filter((todo) => todo.completed);
    this.#count.textContent = `${open.length} open`;
    this.#empty.hidden = open.length > 0;
    this.#empty.textContent =
      completed.length > 0
        ? "All done."
        : "Nothing to do yet. Add a todo above, or tell the chat what you have in mind.";
    this.#done.hidden = completed.length === 0;
    this.#keepFocus(() => {
      arrange(this.#open, open.map(this.#element));
      arrange(this.#completed, completed.map(this.#element));
    });
    const known = new Set(todos.map((todo) => todo.id));
    for (const id of this.#rows.keys()) if (!known.has(id)) this.#rows.delete(id);
  }

  focus(todo: Todo): void {
    this.#rows.get(todo.id)?.focus();
  }

  #element = (todo: Todo): Element => {
    const row = this.#rows.get(todo.id) ?? new TodoRow(todo, this.#actions);
    row.show(todo);
    this.#rows.set(todo.id, row);
    return row.element;
  };

  /** Restores the focus, which a moved element loses; the successor of a removed row gets it. */
  #keepFocus(rearrange: () => void): void {
    const focused = document.activeElement;
    const row = focused?.closest("li.todo");
    if (!(focused instanceof HTMLElement) || !row) {
      rearrange();
      return;
    }
    const list = row.parentElement as HTMLElement;
    const place = [...list.children].indexOf(row);
    // Scrolling to a row that was clicked would move the page under the pointer.
    const preventScroll = !focused.matches(":focus-visible");
    rearrange();
    if (document.activeElement === focused) return;
    const heir = list.children[Math.min(place, list.children.length - 1)]?.querySelector("input");
    (focused.isConnected ? focused : (heir ?? this.#title)).focus({ preventScroll });
  }
}

/** Makes `rows` the children of `list`, and moves only rows in the wrong place. */
function arrange(list: Element, rows: readonly Element[]): void {
  const wanted = new Set(rows);
  for (const child of [...list.children]) if (!wanted.has(child)) child.remove();
  rows.forEach((row, place) => {
    const there = list.children[place];
    if (there !== row) list.insertBefore(row, there ?? null);
  });
}
