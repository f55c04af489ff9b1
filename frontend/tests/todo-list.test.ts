import { beforeEach, describe, expect, it, vi } from "vitest";
import type { Todo } from "../src/api";
import { find } from "../src/dom";
import { TodoList } from "../src/todo-list";
import { openPage } from "./page";

const tea: Todo = { id: "1", title: "Tea", completed: false };
const rice: Todo = { id: "2", title: "Rice", completed: false };
const salt: Todo = { id: "3", title: "Salt", completed: false };
const done = (todo: Todo): Todo => ({ ...todo, completed: true });

const actions = { complete: vi.fn(), rename: vi.fn(), remove: vi.fn() };
let list: TodoList;

const titles = (selector: string) => [...document.querySelectorAll(`${selector} .title`)].map((e) => e.textContent);
const row = (title: string): HTMLElement =>
  [...document.querySelectorAll<HTMLElement>("li.todo")].find((li) => li.textContent?.includes(title)) ??
  expect.unreachable(`no row for ${title}`);
const checkbox = (title: string) => find("input[type=checkbox]", HTMLInputElement, row(title));

beforeEach(() => {
  vi.clearAllMocks();
  openPage();
  list = new TodoList(actions);
});

describe("the list", () => {
  it("has the open todos first and the completed ones below", () => {
    list.show([done(tea), rice, salt]);
    expect(titles("#open")).toEqual(["Rice", "Salt"]);
    expect(titles("#completed")).toEqual(["Tea"]);
    expect(checkbox("Tea").checked).toBe(true);
    expect(find("#count", HTMLElement).textContent).toBe("2 open");
  });

  it("says so when there is nothing, and when all is done", () => {
    const empty = find("#empty", HTMLElement);
    list.show([]);
    expect(empty.textContent).toContain("Nothing to do yet");
    list.show([done(tea)]);
    expect(empty.textContent).toBe("All done.");
    list.show([tea]);
    expect(empty.hidden).toBe(true);
  });

  it("shows a title as it is, whatever it has in it", () => {
    list.show([{ ...tea, title: "<img src=x onerror=alert(1)>" }]);
    expect(titles("#open")).toEqual(["<img src=x onerror=alert(1)>"]);
    expect(document.querySelector("li.todo img")).toBeNull();
  });
});

describe("the focus", () => {
  it("stays on a todo that moves to the completed ones", () => {
    list.show([tea, rice]);
    checkbox("Tea").focus();
    list.show([done(tea), rice]);
    expect(document.activeElement).toBe(checkbox("Tea"));
  });

  it("goes to the todo that takes the place of a deleted one", () => {
    list.show([tea, rice, salt]);
    find("button.delete", HTMLButtonElement, row("Rice")).focus();
    list.show([tea, salt]);
    expect(document.activeElement).toBe(checkbox("Salt"));
  });

  it("goes to the field for a new todo after the last one", () => {
    list.show([tea]);
    find("button.delete", HTMLButtonElement, row("Tea")).focus();
    list.show([]);
    expect(document.activeElement).toBe(find("#title", HTMLInputElement));
  });

  it("is left alone outside of the list", () => {
    list.show([tea]);
    find("#message", HTMLTextAreaElement).focus();
    list.show([]);
    expect(document.activeElement).toBe(find("#message", HTMLTextAreaElement));
  });
});

describe("renaming", () => {
  const field = () => find(".editor input", HTMLInputElement, row("Tea"));
  const isEditing = () => !find(".editor", HTMLFormElement, row("Tea")).hidden;

  beforeEach(() => {
    list.show([tea]);
    find("button.rename", HTMLButtonElement, row("Tea")).click();
    field().value = " Green tea ";
  });

  it("keeps what was typed until the new title is kept", () => {
    find(".editor", HTMLFormElement, row("Tea")).requestSubmit();
    expect(actions.rename).toHaveBeenCalledWith(tea, "Green tea", expect.any(Function));
    list.show([tea]);
    expect(isEditing()).toBe(true);
    expect(field().value).toBe(" Green tea ");
    actions.rename.mock.calls[0]?.[2]();
    expect(isEditing()).toBe(false);
  });

  it("ends with Escape and leaves the focus on the todo", () => {
    field().dispatchEvent(new KeyboardEvent("keydown", { key: "Escape", bubbles: true }));
    expect(isEditing()).toBe(false);
    expect(actions.rename).not.toHaveBeenCalled();
    expect(document.activeElement).toBe(find("button.rename", HTMLButtonElement, row("Tea")));
  });
});
