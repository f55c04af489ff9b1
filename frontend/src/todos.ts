import { type Api, ApiError, type Todo, type TodoChange } from "./api";

type TodoItems = readonly Todo[];
type Change = (items: TodoItems) => TodoItems;

const removal =
  (id: string): Change =>
  (items) =>
    items.filter((item) => item.id !== id);

const replacement =
  (id: string, change: Partial<Todo>): Change =>
  (items) =>
    items.map((item) => (item.id === id ? { ...item, ...change } : item));

/**
 * The user's todos: the server's state with pending changes applied.
 *
 * Requests go out one at a time. A failed change is reverted, and its promise rejects with ApiError.
 */
export class Todos {
  #confirmed: TodoItems | undefined;
  readonly #foreseen = new Set<Change>();
  #last: Promise<unknown> = Promise.resolve();
  readonly #api: Api;
  readonly #changed: (items: TodoItems | undefined) => void;

  constructor(api: Api, changed: (items: TodoItems | undefined) => void) {
    this.#api = api;
    this.#changed = changed;
  }

  /** Oldest first; undefined before the first load. */
  get items(): TodoItems | undefined {
    return this.#confirmed && [...this.#foreseen].reduce((items, change) => change(items), this.#confirmed);
  }

  load(): Promise<void> {
    return this.#inTurn(async () => {
      this.#confirmed = await this.#api.todos();
    });
  }

  add(title: string): Promise<Todo> {
    return this.#inTurn(async () => {
      const known = this.#confirmed ?? (await this.#api.todos());
      const added = await this.#api.add(title);
      this.#confirmed = [...known, added];
      return added;
    });
  }

  change(id: string, change: TodoChange): Promise<void> {
    return this.#foresee(replacement(id, change), async () => {
      try {
        this.#confirm(replacement(id, await this.#api.change(id, change)));
      } catch (error) {
        if (isMissing(error)) this.#confirm(removal(id));
        throw error;
      }
    });
  }

  remove(id: string): Promise<void> {
    return this.#foresee(removal(id), async () => {
      try {
        await this.#api.remove(id);
      } catch (error) {
        if (!isMissing(error)) throw error; // deleted already
      }
      this.#confirm(removal(id));
    });
  }

  #confirm(change: Change): void {
    this.#confirmed = this.#confirmed && change(this.#confirmed);
  }

  async #foresee(change: Change, work: () => Promise<void>): Promise<void> {
    this.#foreseen.add(change);
    this.#changed(this.items);
    await this.#inTurn(() => work().finally(() => this.#foreseen.delete(change)));
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#last.then(work).finally(() => this.#changed(this.items));
    this.#last = done.catch(() => undefined); // the caller gets the error; the queue goes on
    return done;
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof ApiError && error.status === 404;
}
