import type { Action, Answer, Api, Message } from "./api";
import { find, stamp } from "./dom";
import type { Todos } from "./todos";
import type { Trouble } from "./trouble";

// The backend accepts 20 messages. An odd number both begins and ends with the user's.
const MAX_MESSAGES = 19;
const MAX_LENGTH = 2000;

const SPEAKERS = { user: "You:", assistant: "Chat:" } as const;

/** The chat box. It keeps the conversation and sends its recent part with each question. */
export class Chat {
  readonly #log = find("#conversation", HTMLElement);
  readonly #form = find("#ask", HTMLFormElement);
  readonly #field = find("#message", HTMLTextAreaElement);
  readonly #api: Api;
  readonly #todos: Todos;
  readonly #trouble: Trouble;
  #conversation: readonly Message[] = [];
  #waiting = false;

  constructor(api: Api, todos: Todos, trouble: Trouble) {
    this.#api = api;
    this.#todos = todos;
    this.#trouble = trouble;
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.#trouble.attempt("The chat did not answer.", () => this.#ask());
    });
    this.#field.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      this.#form.requestSubmit();
    });
    for (const example of document.querySelectorAll<HTMLButtonElement>("button.example")) {
      example.addEventListener("click", () => {
        this.#field.value = example.textContent;
        this.#field.focus();
      });
    }
  }

  focus(): void {
    this.#field.focus();
  }

  async #ask(): Promise<void> {
    const question: Message = { role: "user", content: this.#field.value.trim() };
    if (!question.content || this.#waiting) return;
    const asked = this.#say(question);
    const thinking = this.#say({ role: "assistant", content: "Thinking…" });
    thinking.classList.add("pending");
    this.#field.value = "";
    this.#waiting = true;
    try {
      this.#receive(question, await this.#api.chat(recent([...this.#conversation, question])));
      void this.#trouble.attempt("The list is not up to date.", () => this.#todos.load());
    } catch (error) {
      asked.remove();
      this.#field.value = [question.content, this.#field.value].join("\n").trim(); // the user may have typed more
      // The chat may have changed todos before it failed; the user sees only the chat's error.
      void this.#todos.load().catch(() => undefined);
      throw error;
    } finally {
      thinking.remove();
      this.#waiting = false;
    }
  }

  #receive(question: Message, { reply, actions }: Answer): void {
    const answer: Message = { role: "assistant", content: reply };
    this.#conversation = [...this.#conversation, question, answer];
    const list = find(".actions", HTMLUListElement, this.#say(answer));
    list.hidden = actions.length === 0;
    list.append(...actions.map(actionItem));
    this.#log.scrollTop = this.#log.scrollHeight;
  }

  #say({ role, content }: Message): HTMLElement {
    const message = stamp("chat-message");
    message.classList.add(role);
    find(".speaker", HTMLElement, message).textContent = SPEAKERS[role];
    find(".text", HTMLElement, message).textContent = content;
    this.#log.append(message);
    this.#log.scrollTop = this.#log.scrollHeight;
    return message;
  }
}

/** Returns the last messages of a conversation, each cut to the length that the backend accepts. */
export function recent(conversation: readonly Message[]): readonly Message[] {
  return conversation
    .slice(-MAX_MESSAGES)
    .map(({ role, content }) => ({ role, content: [...content].slice(0, MAX_LENGTH).join("") }));
}

function actionItem({ operation, todo }: Action): HTMLElement {
  const item = stamp("chat-action");
  find(".operation", HTMLElement, item).textContent = operation;
  find(".title", HTMLElement, item).textContent = todo.title;
  return item;
}
