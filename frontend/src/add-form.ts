import { find } from "./dom";
import type { Notices } from "./notices";
import type { Todos } from "./todos";
import type { Trouble } from "./trouble";

/** The field for a new todo. It is cleared at once for the next one; a failed title comes back. */
export class AddForm {
  readonly #field = find("#title", HTMLInputElement);
  readonly #todos: Todos;
  readonly #notices: Notices;

  constructor(todos: Todos, trouble: Trouble, notices: Notices) {
    this.#todos = todos;
    this.#notices = notices;
    find("#add", HTMLFormElement).addEventListener("submit", (event) => {
      event.preventDefault();
      const title = this.#field.value.trim();
      this.#field.value = "";
      void trouble.attempt(`“${title}” was not added.`, () => this.#add(title));
    });
  }

  focus(): void {
    this.#field.focus();
  }

  async #add(title: string): Promise<void> {
    try {
      await this.#todos.add(title);
    } catch (error) {
      this.#field.value ||= title;
      throw error;
    }
    if (this.#field.value === title) this.#field.value = "";
    this.#notices.say(`Added “${title}”.`);
  }
}
