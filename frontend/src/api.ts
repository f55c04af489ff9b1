// A client of the backend's HTTP API; the specification is at /api/openapi.json.

export interface User {
  readonly user: string;
}

export interface Todo {
  readonly id: string;
  readonly title: string;
  readonly completed: boolean;
}

export type TodoChange = { readonly completed: boolean } | { readonly title: string };

export interface Message {
  readonly role: "user" | "assistant";
  readonly content: string;
}

export type Operation = "created" | "completed" | "reopened" | "renamed" | "deleted";

export interface Action {
  readonly operation: Operation;
  readonly todo: Todo;
}

export interface Answer {
  readonly reply: string;
  readonly actions: readonly Action[];
}

export interface Activity {
  readonly id: string;
  readonly type: `todo.${Operation}`;
  readonly title: string;
  /** ISO 8601. */
  readonly at: string;
}

/** A failed request. The message is for the user; the status is undefined without a response. */
export class ApiError extends Error {
  readonly status: number | undefined;

  constructor(message: string, status?: number) {
    super(message);
    this.status = status;
  }

  /** True if the same request may succeed later. */
  get isTransient(): boolean {
    return this.status === undefined || this.status >= 500;
  }
}

const TIMEOUT_MS = 15_000;
// Longer than the backend's own timeout of 20 s, whose error is more precise.
const CHAT_TIMEOUT_MS = 30_000;

/** A client with a token. Each method makes one request and throws ApiError if it fails. */
export class Api {
  token = "";

  me = () => this.#ask<User>("GET", "me");
  todos = () => this.#ask<readonly Todo[]>("GET", "todos");
  add = (title: string) => this.#ask<Todo>("POST", "todos", { title });
  change = (id: string, change: TodoChange) => this.#ask<Todo>("PATCH", `todos/${id}`, change);
  remove = (id: string) => this.#ask<void>("DELETE", `todos/${id}`);
  chat = (messages: readonly Message[]) => this.#ask<Answer>("POST", "chat", { messages }, CHAT_TIMEOUT_MS);
  activity = () => this.#ask<readonly Activity[]>("GET", "activity");

  async #ask<T>(method: string, path: string, content?: unknown, timeout = TIMEOUT_MS): Promise<T> {
    const request: RequestInit = {
      method,
      headers: { Authorization: `Bearer ${this.token}`, "Content-Type": "application/json" },
      cache: "no-store",
      signal: AbortSignal.timeout(timeout),
    };
    if (content !== undefined) request.body = JSON.stringify(content);
    const [response, text] = await exchange(`/api/${path}`, request);
    const answer = parsed(text);
    if (!response.ok) throw new ApiError(reason(response, answer), response.status);
    if (answer === undefined && response.status !== 204) {
      throw new ApiError("Something other than the app answered. Check your connection, then retry.");
    }
    return answer as T;
  }
}

async function exchange(address: string, request: RequestInit): Promise<[Response, string]> {
  try {
    const response = await fetch(address, request);
    return [response, await response.text()];
  } catch (error) {
    const late = error instanceof DOMException && error.name === "TimeoutError";
    throw new ApiError(
      late
        ? "The server did not answer in time. Retry in a moment."
        : "The server cannot be reached. Check your connection, then retry.",
    );
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // a proxy in front of the backend sends HTML
  }
}

function reason(response: Response, answer: unknown): string {
  const told = detail(answer);
  if (told) return told;
  const seconds = Number(response.headers.get("Retry-After"));
  if (seconds > 0) return `The server is busy. Retry in ${seconds} s.`;
  if (response.status >= 500) return `The server is away for the moment (${response.status}). Retry soon.`;
  return `The server refused (${response.status}).`;
}

/** FastAPI's `detail`: a sentence, or a list of errors for an invalid request. */
function detail(answer: unknown): string | undefined {
  if (typeof answer !== "object" || answer === null || !("detail" in answer)) return undefined;
  if (typeof answer.detail === "string") return answer.detail;
  if (Array.isArray(answer.detail)) return answer.detail.map(({ msg }: { msg: string }) => `${msg}.`).join(" ");
  return undefined;
}
