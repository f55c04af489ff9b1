import { beforeEach, expect, it, vi } from "vitest";
import { AddForm } from "../src/add-form";
import { Api, ApiError, type Todo } from "../src/api";
import { find } from "../src/dom";
import { Notices } from "../src/notices";
import { Todos } from "../src/todos";
import { Trouble } from "../src/trouble";
import { Deferred } from "./deferred";
import { openPage } from "./page";

const api = new Api();
const field = () => find("#title", HTMLInputElement);
const trouble = () => find("#trouble", HTMLElement);

function submit(title: string): void {
  field().value = title;
  find("#add", HTMLFormElement).requestSubmit();
}

beforeEach(() => {
  openPage();
  vi.spyOn(api, "todos").mockResolvedValue([]);
  new AddForm(new Todos(api, vi.fn()), new Trouble(vi.fn()), new Notices());
});

it("is free for the next todo while one is added", async () => {
  const added = new Deferred<Todo>();
  const add = vi.spyOn(api, "add").mockReturnValue(added.promise);
  submit(" Tea ");
  expect(field().value).toBe("");
  field().value = "Ri";
  added.resolve({ id: "1", title: "Tea", completed: false });
  await vi.waitFor(() => expect(find("#status", HTMLElement).textContent).toBe("Added “Tea”."));
  expect(add).toHaveBeenCalledWith("Tea");
  expect(field().value).toBe("Ri");
});

it("gives back what could not be added, and clears it when the retry adds it", async () => {
  vi.spyOn(api, "add")
    .mockRejectedValueOnce(new ApiError("The server is away.", 502))
    .mockResolvedValueOnce({ id: "1", title: "Tea", completed: false });
  submit("Tea");
  await vi.waitFor(() => expect(field().value).toBe("Tea"));
  expect(trouble().textContent).toContain("“Tea” was not added. The server is away.");
  find("button", HTMLButtonElement, trouble()).click();
  await vi.waitFor(() => expect(field().value).toBe(""));
});

it("leaves alone what is being typed when an earlier todo could not be added", async () => {
  const added = new Deferred<Todo>();
  vi.spyOn(api, "add").mockReturnValue(added.promise);
  submit("Tea");
  field().value = "Rice";
  added.reject(new ApiError("The server is away.", 502));
  await vi.waitFor(() => expect(trouble().textContent).toContain("“Tea” was not added."));
  expect(field().value).toBe("Rice");
});
