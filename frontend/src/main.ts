import { ActivityList } from "./activity";
import { AddForm } from "./add-form";
import { Api, type Todo } from "./api";
import { Chat } from "./chat";
import { find } from "./dom";
import { Notices } from "./notices";
import { forgetToken, rememberedToken, rememberToken } from "./session";
import { listenForShortcuts } from "./shortcuts";
import { SignIn } from "./sign-in";
import { TodoList } from "./todo-list";
import { Todos } from "./todos";
import { Trouble } from "./trouble";

const user = find("#user", HTMLElement);
const signedInParts = ["#account", "#workspace", "#shortcuts"].map((selector) => find(selector, HTMLElement));

const api = new Api();
const notices = new Notices();
const trouble = new Trouble(leave);
const signIn = new SignIn(api, enter);
const list = new TodoList({ complete, rename, remove });
const todos = new Todos(api, (items) => list.show(items));
const addForm = new AddForm(todos, trouble, notices);
const chat = new Chat(api, todos, trouble);
new ActivityList(api);

find("#sign-out", HTMLButtonElement).addEventListener("click", () => {
  forgetToken();
  location.reload(); // discards all data of the user
});

document.addEventListener("visibilitychange", () => {
  if (!document.hidden && rememberedToken()) void load();
});

listenForShortcuts(
  new Map([
    ["n", () => addForm.focus()],
    ["/", () => chat.focus()],
    ["u", () => notices.undo()],
  ]),
);

const token = rememberedToken();
if (token) resume(token);
else signIn.ask("");

function resume(token: string): void {
  api.token = token;
  open();
  void trouble.attempt("Your todos are not here yet.", async () => {
    const [me] = await Promise.all([api.me(), todos.load()]);
    user.textContent = me.user;
  });
}

function enter(name: string): void {
  rememberToken(api.token);
  if (user.textContent && user.textContent !== name) {
    location.reload(); // another user signed in after the token expired: discard the first one's data
    return;
  }
  user.textContent = name;
  open();
  addForm.focus();
  void load();
}

function open(): void {
  for (const part of signedInParts) part.hidden = false;
}

/** Shows the sign-in form. Typed text stays for the same user. */
function leave(sentence: string): void {
  forgetToken();
  for (const part of signedInParts) part.hidden = true;
  signIn.ask(sentence);
}

function load(): Promise<void> {
  return trouble.attempt("Your todos are not up to date.", () => todos.load());
}

function complete(todo: Todo, completed: boolean): void {
  void trouble.attempt(`“${todo.title}” did not change.`, () => todos.change(todo.id, { completed }));
}

function rename(todo: Todo, title: string, kept: () => void): void {
  void trouble.attempt(`“${todo.title}” was not renamed.`, async () => {
    await todos.change(todo.id, { title });
    kept();
    notices.say(`Renamed to “${title}”.`);
  });
}

function remove(todo: Todo): void {
  void trouble.attempt(`“${todo.title}” was not deleted.`, async () => {
    await todos.remove(todo.id);
    notices.offerUndo(`Deleted “${todo.title}”.`, () => restore(todo));
  });
}

function restore(todo: Todo): Promise<void> {
  return trouble.attempt(`“${todo.title}” is not back.`, async () => {
    const restored = await todos.add(todo.title);
    notices.withdrawUndo();
    list.focus(restored);
    if (todo.completed) complete(restored, true);
  });
}
