import { type Api, ApiError } from "./api";
import { find } from "./dom";

// Three parts of base64url: https://datatracker.ietf.org/doc/html/rfc7519
const TOKEN = /^[\w-]+\.[\w-]+\.[\w-]+$/;

/** The form that turns a token into a signed-in user. */
export class SignIn {
  readonly #section = find("#sign-in", HTMLElement);
  readonly #field = find("#token", HTMLInputElement);
  readonly #error = find("#token-error", HTMLElement);
  readonly #api: Api;
  readonly #signedIn: (user: string) => void;
  #waiting = false;

  constructor(api: Api, signedIn: (user: string) => void) {
    this.#api = api;
    this.#signedIn = signedIn;
    find("form", HTMLFormElement, this.#section).addEventListener("submit", (event) => {
      event.preventDefault();
      if (!this.#waiting) void this.#try(this.#field.value.trim().replace(/^Bearer\s+/i, ""));
    });
  }

  /** Shows the form with a reason. */
  ask(sentence: string): void {
    this.#section.hidden = false;
    this.#error.textContent = sentence;
    this.#field.focus();
  }

  async #try(token: string): Promise<void> {
    if (!TOKEN.test(token)) {
      this.ask("This is not a token: it has three parts with dots between them. Copy the whole of it.");
      return;
    }
    this.#waiting = true;
    this.#section.ariaBusy = "true";
    this.#error.textContent = "";
    this.#api.token = token;
    try {
      const { user } = await this.#api.me();
      this.#field.value = "";
      this.#section.hidden = true;
      this.#signedIn(user);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      this.ask(error.message);
    } finally {
      this.#waiting = false;
      this.#section.ariaBusy = "false";
    }
  }
}
