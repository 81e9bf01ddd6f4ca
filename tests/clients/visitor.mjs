// A visitor in a browser without JavaScript: it keeps cookies, submits forms and follows redirects within the site.

export class Visitor {
  #cookies = new Map();

  constructor(site) {
    this.site = new URL(site);
  }

  async #send(url, init = {}) {
    const cookie = [...this.#cookies].map(([name, value]) => `${name}=${value}`).join("; ");
    const answer = await fetch(url, {
      ...init,
      redirect: "manual",
      headers: { ...init.headers, ...(cookie && { cookie }), "sec-fetch-site": "same-origin" },
    });
    for (const line of answer.headers.getSetCookie()) {
      const [pair, ...attributes] = line.split(";");
      const [name, ...value] = pair.split("=");
      if (attributes.some((a) => /^\s*max-age=0$/i.test(a)) || value.join("=") === "") this.#cookies.delete(name);
      else this.#cookies.set(name, value.join("="));
    }
    return answer;
  }

  // Opens a URL and follows redirects. Ends at a page of the site, or at the first URL outside it, which it does
  // not open.
  async open(url, init) {
    let target = new URL(url);
    let answer = await this.#send(target, init);
    for (let hops = 0; hops < 10 && answer.status >= 300 && answer.status < 400; hops++) {
      target = new URL(answer.headers.get("location"), target);
      if (target.origin !== this.site.origin) return { url: target, left: true };
      answer = await this.#send(target);
    }
    return { url: target, left: false, status: answer.status, body: await answer.text() };
  }

  // Fills the form with this action on `page` and submits it.
  async submit(page, action, typed) {
    const forms = page.body.split("<form").slice(1);
    const form = forms.find((text) => text.includes(`action="${action}"`));
    if (!form) throw new Error(`no form for ${action} at ${page.url} (${page.status}):\n${page.body}`);
    const fields = new URLSearchParams();
    for (const [, tag] of form.split("</form>")[0].matchAll(/<input([^>]*)>/g)) {
      const attribute = (name) => new RegExp(`\\s${name}="([^"]*)"`).exec(tag)?.[1];
      if (attribute("type") === "hidden") fields.set(attribute("name"), unescape(attribute("value") ?? ""));
    }
    for (const [name, value] of Object.entries(typed)) fields.set(name, value);
    return this.open(new URL(action, page.url), { method: "POST", body: fields, headers: { origin: this.site.origin } });
  }
}

const NAMES = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };

function unescape(text) {
  return text.replace(/&(#x[0-9a-f]+|#[0-9]+|[a-z]+);/gi, (whole, name) => {
    if (!name.startsWith("#")) return NAMES[name] ?? whole;
    return String.fromCodePoint(name[1] === "x" ? parseInt(name.slice(2), 16) : Number(name.slice(1)));
  });
}
