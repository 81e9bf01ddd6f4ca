// Functions that the programs of this folder share: registration of clients, sign-in by a person, and running chapters.

import { Visitor } from "./visitor.mjs";

const env = process.env;

// Registers a client by `POST /admin/v1/clients`.
export async function registerClient(metadata) {
  const answer = await fetch(`${env.ISSUER}/admin/v1/clients`, {
    method: "POST",
    headers: { authorization: `Bearer ${env.ADMIN_TOKEN}`, "content-type": "application/json" },
    body: JSON.stringify(metadata),
  });
  if (!answer.ok) throw new Error(`${metadata.client_name}: ${await answer.text()}`);
  return answer.json();
}

// Opens an authorization request as a person who signs in if they are asked, and returns the URL of the application that they
// are sent to.
export async function signIn(url, visitor = new Visitor(env.ISSUER)) {
  let page = await visitor.open(url);
  if (!page.left && page.url.pathname === "/login") {
    page = await visitor.submit(page, "/login", { user_name: env.USER_NAME, password: env.PASSWORD });
  }
  if (!page.left) throw new Error(`no redirect back to the application, but ${page.url} (${page.status}): ${page.body}`);
  return page.url;
}

// Runs the chapters that the command line names, and prints the name of each that ended well. A failed assertion ends the program.
export async function run(chapters) {
  for (const name of process.argv.slice(2)) {
    await chapters[name]();
    console.log(name);
  }
}
