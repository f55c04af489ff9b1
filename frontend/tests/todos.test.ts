import { beforeEach, expect, it, vi } from "vitest";
import { Api, ApiError, type Todo } from "../src/api";
import { Todos } from "../src/todos";
import { Deferred } from "./deferred";

const tea: Todo = { id: "1", title: "Tea", completed: false };
const rice: Todo = { id: "2", title: "Rice", completed: false };

const api = new Api();
const shown = vi.fn<(items: readonly Todo[] | undefined) => void>();
let todos: Todos;

const titles = () => todos.items?.map(({ title, completed }) => (completed ? `${title} ✓` : title));

beforeEach(async () => {
  vi.spyOn(api, "todos").mockResolvedValue([tea, rice]);
  todos = new Todos(api, shown);
  await todos.load();
  shown.mockClear();
});

it("shows a change before the server has confirmed it", async () => {
  vi.spyOn(api, "change").mockResolvedValue({ ...tea, completed: true });
  const done = todos.change("1", { completed: true });
  expect(shown).toHaveBeenCalledWith([{ ...tea, completed: true }, rice]);
  await done;
  expect(titles()).toEqual(["Tea ✓", "Rice"]);
});

it("takes a change back that the server did not make", async () => {
  vi.spyOn(api, "change").mockRejectedValue(new ApiError("away"));
  await expect(todos.change("1", { completed: true })).rejects.toThrow("away");
  expect(titles()).toEqual(["Tea", "Rice"]);
  expect(shown).toHaveBeenLastCalledWith([tea, rice]);
});

it("brings a todo back that could not be deleted", async () => {
  vi.spyOn(api, "remove").mockRejectedValue(new ApiError("away"));
  const done = todos.remove("1");
  expect(titles()).toEqual(["Rice"]);
  await expect(done).rejects.toThrow("away");
  expect(titles()).toEqual(["Tea", "Rice"]);
});

it("counts a todo as deleted that is gone already", async () => {
  vi.spyOn(api, "remove").mockRejectedValue(new ApiError("no such todo", 404));
  await todos.remove("1");
  expect(titles()).toEqual(["Rice"]);
});

it("drops a todo that the server no longer knows", async () => {
  vi.spyOn(api, "change").mockRejectedValue(new ApiError("no such todo", 404));
  await expect(todos.change("1", { title: "Green tea" })).rejects.toThrow("no such todo");
  expect(titles()).toEqual(["Rice"]);
});

it("adds only what the server has confirmed", async () => {
  vi.spyOn(api, "add").mockResolvedValue({ id: "3", title: "Salt", completed: false });
  const done = todos.add("Salt");
  expect(titles()).toEqual(["Tea", "Rice"]);
  await done;
  expect(titles()).toEqual(["Tea", "Rice", "Salt"]);
});

it("keeps a change while an older list arrives", async () => {
  const confirmed = new Deferred<Todo>();
  vi.spyOn(api, "change").mockReturnValue(confirmed.promise);
  const loaded = todos.load();
  const changed = todos.change("1", { completed: true });
  await loaded;
  expect(titles()).toEqual(["Tea ✓", "Rice"]);
  confirmed.resolve({ ...tea, completed: true });
  await changed;
  expect(titles()).toEqual(["Tea ✓", "Rice"]);
});

it("sends one request at a time, in the order of the changes", async () => {
  const first = new Deferred<Todo>();
  const change = vi.spyOn(api, "change").mockReturnValueOnce(first.promise).mockResolvedValueOnce(tea);
  const on = todos.change("1", { completed: true });
  const off = todos.change("1", { completed: false });
  await Promise.resolve();
  expect(change).toHaveBeenCalledTimes(1);
  first.reject(new ApiError("away"));
  await expect(on).rejects.toThrow("away");
  await off;
  expect(change.mock.calls).toEqual([
    ["1", { completed: true }],
    ["1", { completed: false }],
  ]);
  expect(titles()).toEqual(["Tea", "Rice"]);
});
