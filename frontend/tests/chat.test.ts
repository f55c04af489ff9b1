import { beforeEach, expect, it, vi } from "vitest";
import { type Answer, Api, ApiError, type Message } from "../src/api";
import { Chat, recent } from "../src/chat";
import { find } from "../src/dom";
import { Todos } from "../src/todos";
import { Trouble } from "../src/trouble";
import { Deferred } from "./deferred";
import { openPage } from "./page";

const api = new Api();
const field = () => find("#message", HTMLTextAreaElement);
const said = () => [...document.querySelectorAll(".message .text")].map((text) => text.textContent);

function ask(text: string): void {
  field().value = text;
  find("#ask", HTMLFormElement).requestSubmit();
}

beforeEach(() => {
  openPage();
  vi.spyOn(api, "todos").mockResolvedValue([]);
  new Chat(api, new Todos(api, vi.fn()), new Trouble(vi.fn()));
});

it("shows the question while it waits, then the answer and what was done", async () => {
  const answer = new Deferred<Answer>();
  vi.spyOn(api, "chat").mockReturnValue(answer.promise);
  ask("Buy tea");
  expect(said()).toEqual(["Buy tea", "Thinking…"]);
  answer.resolve({
    reply: "It is on the list.",
    actions: [{ operation: "created", todo: { id: "1", title: "Tea", completed: false } }],
  });
  await vi.waitFor(() => expect(said()).toEqual(["Buy tea", "It is on the list."]));
  expect(find(".actions", HTMLElement, find(".message.assistant", HTMLElement)).textContent).toContain("created Tea");
  await vi.waitFor(() => expect(api.todos).toHaveBeenCalled());
});

it("gives the text back when it fails, and asks for the todos all the same", async () => {
  vi.spyOn(api, "chat").mockRejectedValue(new ApiError("The chat service is busy.", 503));
  ask("Buy tea");
  await vi.waitFor(() => expect(field().value).toBe("Buy tea"));
  expect(said()).toEqual([]);
  expect(find("#trouble", HTMLElement).textContent).toContain("The chat did not answer. The chat service is busy.");
  await vi.waitFor(() => expect(api.todos).toHaveBeenCalled());
});

it("gives the text back before what was typed while it waited", async () => {
  const answer = new Deferred<Answer>();
  vi.spyOn(api, "chat").mockReturnValue(answer.promise);
  ask("Buy tea");
  field().value = "And salt";
  answer.reject(new ApiError("The chat is busy.", 503));
  await vi.waitFor(() => expect(field().value).toBe("Buy tea\nAnd salt"));
});

it("sends a question once, however often Enter is pressed, and the conversation with the next", async () => {
  const chat = vi.spyOn(api, "chat").mockResolvedValue({ reply: "Yes?", actions: [] });
  ask("Hello");
  ask("Hello");
  await vi.waitFor(() => expect(said()).toEqual(["Hello", "Yes?"]));
  expect(chat).toHaveBeenCalledTimes(1);
  ask("Buy tea");
  await vi.waitFor(() => expect(said()).toHaveLength(4));
  ask("Thanks");
  await vi.waitFor(() => expect(chat).toHaveBeenCalledTimes(3));
  expect(chat.mock.lastCall?.[0].map(({ content }) => content)).toEqual(["Hello", "Yes?", "Buy tea", "Yes?", "Thanks"]);
});

it("sends no more than the backend takes", () => {
  const long: Message[] = Array.from({ length: 31 }, (_, turn) => ({
    role: turn % 2 ? "assistant" : "user",
    content: "🍵".repeat(3000),
  }));
  const sent = recent(long);
  expect(sent).toHaveLength(19);
  expect(sent[0]?.role).toBe("user");
  expect(sent[0]?.content).toBe("🍵".repeat(2000));
});
