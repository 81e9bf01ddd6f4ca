"""A visitor in a browser without JavaScript: it has cookies, submits forms and follows redirects within the site."""

from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

import requests


class Forms(HTMLParser):
    """The hidden fields of each form, by the form's action."""

    def __init__(self, text):
        super().__init__()
        self.fields = {}
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        if tag == "form":
            self.action = attributes["action"]
            self.fields[self.action] = {}
        elif tag == "input" and attributes.get("type") == "hidden":
            self.fields[self.action][attributes["name"]] = attributes.get("value", "")


class Visitor:
    def __init__(self, site):
        self.origin = f"{urlsplit(site).scheme}://{urlsplit(site).netloc}"
        self.session = requests.Session()

    def open(self, url, method="GET", **more):
        """Opens a URL and follows redirects. Returns the page of the site where it ends, or the first URL outside it, unopened."""
        for _ in range(10):
            answer = self.session.request(method, url, allow_redirects=False, **more)
            if not answer.is_redirect:
                return answer
            url = urljoin(url, answer.headers["location"])
            if not url.startswith(self.origin + "/"):
                return url
            method, more = "GET", {}
        raise AssertionError(f"too many redirects, the last to {url}")

    def submit(self, page, action, typed):
        """Fills the form with this action on a page and submits it."""
        fields = Forms(page.text).fields[action] | typed
        headers = {"origin": self.origin, "sec-fetch-site": "same-origin"}
        return self.open(urljoin(page.url, action), "POST", data=fields, headers=headers)

    def sign_in(self, url, user_name, password):
        """Opens an authorization request, signs in if asked, and returns the URL of the application that follows."""
        page = self.open(url)
        if not isinstance(page, str) and urlsplit(page.url).path == "/login":
            page = self.submit(page, "/login", {"user_name": user_name, "password": password})
        assert isinstance(page, str), f"no redirect back to the application, but {page.url} ({page.status_code}): {page.text}"
        return page
