package main

import (
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
)

// A visitor is a browser without JavaScript: it has cookies, submits forms and follows redirects within the site.
type visitor struct {
	origin string
	client *http.Client
}

// A page is where the visitor stands: a page of the site, or the first URL outside it, which is not opened.
type page struct {
	url    *url.URL
	left   bool
	status int
	body   string
}

func newVisitor() *visitor {
	jar, err := cookiejar.New(nil)
	check(err)
	origin, err := url.Parse(issuer)
	check(err)
	return &visitor{
		origin: origin.Scheme + "://" + origin.Host,
		client: &http.Client{
			Jar:           jar,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
}

func (v *visitor) send(method, target string, form url.Values) page {
	for range 10 {
		request, err := http.NewRequest(method, target, strings.NewReader(form.Encode()))
		check(err)
		if form != nil {
			request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			request.Header.Set("Origin", v.origin)
			request.Header.Set("Sec-Fetch-Site", "same-origin")
		}
		response, err := v.client.Do(request)
		check(err)
		body, err := io.ReadAll(response.Body)
		check(err)
		response.Body.Close()
		location, err := response.Location()
		if err != nil {
			return page{url: request.URL, status: response.StatusCode, body: string(body)}
		}
		if location.Scheme+"://"+location.Host != v.origin {
			return page{url: location, left: true}
		}
		method, target, form = http.MethodGet, location.String(), nil
	}
	panic("too many redirects, the last to " + target)
}

func (v *visitor) open(target string) page {
	return v.send(http.MethodGet, target, nil)
}

var (
	input     = regexp.MustCompile(`<input([^>]*)>`)
	attribute = regexp.MustCompile(`\s(type|name|value)="([^"]*)"`)
)

// submit fills the form with this action on a page and submits it.
func (v *visitor) submit(at page, action string, typed map[string]string) page {
	_, form, found := strings.Cut(at.body, `action="`+action+`"`)
	if !found {
		panic(fmt.Sprintf("no form for %s at %s (%d): %s", action, at.url, at.status, at.body))
	}
	form, _, _ = strings.Cut(form, "</form>")
	fields := url.Values{}
	for _, tag := range input.FindAllStringSubmatch(form, -1) {
		found := map[string]string{}
		for _, pair := range attribute.FindAllStringSubmatch(tag[1], -1) {
			found[pair[1]] = html.UnescapeString(pair[2])
		}
		if found["type"] == "hidden" {
			fields.Set(found["name"], found["value"])
		}
	}
	for name, value := range typed {
		fields.Set(name, value)
	}
	target, err := at.url.Parse(action)
	check(err)
	return v.send(http.MethodPost, target.String(), fields)
}

// signIn opens an authorization request, signs a person in if they are asked, and returns the URL of the application that follows.
func (v *visitor) signIn(target string) *url.URL {
	at := v.open(target)
	if !at.left && at.url.Path == "/login" {
		at = v.submit(at, "/login", map[string]string{"user_name": env("USER_NAME"), "password": env("PASSWORD")})
	}
	if !at.left {
		panic(fmt.Sprintf("no redirect back to the application, but %s (%d): %s", at.url, at.status, at.body))
	}
	return at.url
}
