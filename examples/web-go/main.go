// A web application that signs people in through Vestibule, and shows their profile.
//
// Authorization code with PKCE, a confidential client, sessions in memory. Everything that belongs to signing in is done by
// go-oidc and golang.org/x/oauth2; what is written here is what an application has to decide for itself.
package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"io"
	"log"
	"maps"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

var (
	port   = environment("PORT", "3000")
	here   = environment("BASE_URL", "http://localhost:"+port)
	issuer = environment("ISSUER", "http://localhost:8000")
	users  = environment("USERS_URL", "http://localhost:8001")

	config     oauth2.Config
	verifier   *oidc.IDTokenVerifier
	endSession string

	// Ten minutes for somebody to sign in, and a working day for a session.
	signIns  = newStore[signIn]("sign-in", 10*time.Minute)
	sessions = newStore[session]("session", 8*time.Hour)
)

func environment(name, otherwise string) string {
	if value, found := os.LookupEnv(name); found {
		return value
	}
	return otherwise
}

// A signIn is what the answer of Vestibule is compared with.
type signIn struct{ state, nonce, verifier string }

// A session has the tokens of somebody who is signed in.
type session struct {
	idToken string
	mutex   sync.Mutex
	token   *oauth2.Token
}

// A store has one value for each browser, under a cookie. Each has a new id, so that a planted cookie is worth nothing, and ends
// by itself.
type store[T any] struct {
	cookie  http.Cookie
	mutex   sync.Mutex
	entries map[string]entry[T]
}

type entry[T any] struct {
	value *T
	ends  time.Time
}

func newStore[T any](name string, age time.Duration) *store[T] {
	secure := strings.HasPrefix(here, "https:")
	if secure {
		name = "__Host-" + name
	}
	s := &store[T]{entries: map[string]entry[T]{}, cookie: http.Cookie{
		Name: name, Path: "/", MaxAge: int(age.Seconds()), HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: secure,
	}}
	go func() {
		for now := range time.Tick(time.Minute) {
			s.mutex.Lock()
			maps.DeleteFunc(s.entries, func(_ string, e entry[T]) bool { return now.After(e.ends) })
			s.mutex.Unlock()
		}
	}()
	return s
}

func (s *store[T]) of(r *http.Request) *T {
	cookie, err := r.Cookie(s.cookie.Name)
	if err != nil {
		return nil
	}
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if e := s.entries[cookie.Value]; time.Now().Before(e.ends) {
		return e.value
	}
	return nil
}

// replace ends what the browser has, and begins another value, or none.
func (s *store[T]) replace(w http.ResponseWriter, r *http.Request, next *T) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if old, err := r.Cookie(s.cookie.Name); err == nil {
		delete(s.entries, old.Value)
	}
	cookie := s.cookie
	if next != nil {
		cookie.Value = rand.Text()
		s.entries[cookie.Value] = entry[T]{next, time.Now().Add(time.Duration(cookie.MaxAge) * time.Second)}
	} else {
		cookie.MaxAge = -1
	}
	http.SetCookie(w, &cookie)
}

func login(w http.ResponseWriter, r *http.Request) error {
	next := &signIn{state: rand.Text(), nonce: rand.Text(), verifier: oauth2.GenerateVerifier()}
	signIns.replace(w, r, next)
	address := config.AuthCodeURL(next.state, oidc.Nonce(next.nonce), oauth2.S256ChallengeOption(next.verifier))
	http.Redirect(w, r, address, http.StatusSeeOther)
	return nil
}

func callback(w http.ResponseWriter, r *http.Request) error {
	begun, answer := signIns.of(r), r.URL.Query()
	// An answer that this browser has not asked for changes nothing, whatever else it says.
	if begun == nil || answer.Get("state") != begun.state {
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return nil
	}
	// What it is compared with is good for one answer.
	signIns.replace(w, r, nil)
	// Two servers could be mixed up by somebody who controls one of them (RFC 9207).
	if answer.Get("iss") != issuer {
		return errors.New("this answer is not from our server")
	}
	if answer.Has("error") {
		return fmt.Errorf("%s: %s", answer.Get("error"), answer.Get("error_description"))
	}
	token, err := config.Exchange(r.Context(), answer.Get("code"), oauth2.VerifierOption(begun.verifier))
	if err != nil {
		return err
	}
	raw, _ := token.Extra("id_token").(string)
	idToken, err := verifier.Verify(r.Context(), raw)
	if err != nil {
		return err
	}
	if idToken.Nonce != begun.nonce {
		return errors.New("the ID token is for another sign-in")
	}
	sessions.replace(w, r, &session{token: token, idToken: raw})
	http.Redirect(w, r, "/", http.StatusSeeOther)
	return nil
}

// accessToken returns a token that is good for a while, and refreshes it if need be. Vestibule answers with a new refresh token,
// and the old one is used up: the mutex lets one request at a time refresh.
func (s *session) accessToken(ctx context.Context, anyway bool) (*oauth2.Token, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	old := *s.token
	if anyway {
		old.Expiry = time.Now().Add(-time.Minute)
	}
	token, err := config.TokenSource(ctx, &old).Token()
	if err != nil {
		return nil, err
	}
	s.token = token
	return token, nil
}

func home(w http.ResponseWriter, r *http.Request) error {
	current := sessions.of(r)
	if current == nil {
		return page(w, http.StatusOK, `<p>Nobody is signed in here.</p><p><a href="/login">Sign in</a></p>`, nil)
	}
	token, err := current.accessToken(r.Context(), false)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(r.Context(), http.MethodGet, users+"/user", nil)
	if err != nil {
		return err
	}
	token.SetAuthHeader(request)
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		return err
	}
	if answer.StatusCode == http.StatusUnauthorized {
		// Signed out elsewhere, or disabled.
		sessions.replace(w, r, nil)
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return nil
	}
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("GET /user: %s %s", answer.Status, body)
	}
	var user struct {
		UserName string `json:"user_name"`
		All      string `json:"-"`
	}
	if err := json.Unmarshal(body, &user); err != nil {
		return err
	}
	user.All = string(body)
	return page(w, http.StatusOK, `<p>Hello, <strong>{{.UserName}}</strong>.</p><pre>{{.All}}</pre>
		<form method="post"><button formaction="/refresh">Refresh the token</button>
		<button formaction="/logout">Sign out</button></form>`, user)
}

func refresh(w http.ResponseWriter, r *http.Request) error {
	if current := sessions.of(r); current != nil {
		if _, err := current.accessToken(r.Context(), true); err != nil {
			return err
		}
	}
	http.Redirect(w, r, "/", http.StatusSeeOther)
	return nil
}

func logout(w http.ResponseWriter, r *http.Request) error {
	target := "/"
	if current := sessions.of(r); current != nil {
		query := url.Values{"id_token_hint": {current.idToken}, "post_logout_redirect_uri": {here + "/"}}
		target = endSession + "?" + query.Encode()
	}
	sessions.replace(w, r, nil)
	http.Redirect(w, r, target, http.StatusSeeOther)
	return nil
}

func page(w http.ResponseWriter, status int, body string, values any) error {
	parsed, err := template.New("").Parse(`<!doctype html><html lang="en"><meta charset="utf-8">
		<meta name="viewport" content="width=device-width"><title>Web example</title><h1>Web example</h1>` + body)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", "default-src 'none'; base-uri 'none'")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	return parsed.Execute(w, values)
}

func handle(route func(http.ResponseWriter, *http.Request) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		err := route(w, r)
		if err == nil {
			return
		}
		// What comes from outside stays on one line.
		log.Printf("%q", err.Error())
		// The refresh token is not taken any more. Another failure passes.
		var refused *oauth2.RetrieveError
		if errors.As(err, &refused) && refused.ErrorCode == "invalid_grant" {
			sessions.replace(w, r, nil)
		}
		page(w, http.StatusBadGateway, `<p>This did not work.</p><p><a href="/">Try again</a> or <a href="/login">sign in</a></p>`, nil)
	}
}

func main() {
	if os.Getenv("CLIENT_ID") == "" {
		log.Fatalf("Set CLIENT_ID and CLIENT_SECRET to what this prints:\n"+
			"  vestibule client add 'Web example' --redirect-uri %[1]s/callback --post-logout-redirect-uri %[1]s/", here)
	}
	// For the calls of the libraries, too.
	http.DefaultClient.Timeout = 10 * time.Second
	provider, err := oidc.NewProvider(context.Background(), issuer)
	if err != nil {
		log.Fatal(err)
	}
	var metadata struct {
		EndSession string `json:"end_session_endpoint"`
	}
	if err := provider.Claims(&metadata); err != nil {
		log.Fatal(err)
	}
	endSession = metadata.EndSession
	config = oauth2.Config{
		ClientID:     os.Getenv("CLIENT_ID"),
		ClientSecret: os.Getenv("CLIENT_SECRET"),
		Endpoint:     provider.Endpoint(),
		RedirectURL:  here + "/callback",
		Scopes:       []string{oidc.ScopeOpenID, "profile", "email"},
	}
	// Without this the library tries the form after each refusal.
	config.Endpoint.AuthStyle = oauth2.AuthStyleInHeader
	verifier = provider.Verifier(&oidc.Config{ClientID: config.ClientID})

	routes := http.NewServeMux()
	routes.HandleFunc("GET /{$}", handle(home))
	routes.HandleFunc("GET /login", handle(login))
	routes.HandleFunc("GET /callback", handle(callback))
	routes.HandleFunc("POST /refresh", handle(refresh))
	routes.HandleFunc("POST /logout", handle(logout))
	fmt.Println("The application is at", here)
	server := http.Server{
		Addr: "127.0.0.1:" + port,
		// Forms that were sent from another site are refused.
		Handler:     http.NewCrossOriginProtection().Handler(routes),
		ReadTimeout: 10 * time.Second,
		IdleTimeout: time.Minute,
	}
	log.Fatal(server.ListenAndServe())
}
