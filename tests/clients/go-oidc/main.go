// An application that uses go-oidc with golang.org/x/oauth2.
//
// It takes ISSUER, USERS_URL, ADMIN_TOKEN, REDIRECT_URI, POST_LOGOUT_URI, USER_NAME and PASSWORD from the environment and the chapters
// from the command line. It prints the name of each chapter that ended well; anything unexpected ends it.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
)

var (
	ctx    = context.Background()
	issuer = env("ISSUER")
	scopes = []string{oidc.ScopeOpenID, "profile", "email", oidc.ScopeOfflineAccess}
)

func env(name string) string {
	value, found := os.LookupEnv(name)
	require(found, name, "is not set")
	return value
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}

func require(holds bool, said ...any) {
	if !holds {
		panic(fmt.Sprintln(said...))
	}
}

// An application is a client with what it was registered with.
type application struct {
	oauth2.Config
	provider *oidc.Provider
	visitor  *visitor
}

func register(metadata map[string]any) map[string]any {
	body, err := json.Marshal(metadata)
	check(err)
	request, err := http.NewRequest(http.MethodPost, issuer+"/admin/v1/clients", bytes.NewReader(body))
	check(err)
	request.Header.Set("Authorization", "Bearer "+env("ADMIN_TOKEN"))
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	check(err)
	defer response.Body.Close()
	body, err = io.ReadAll(response.Body)
	check(err)
	require(response.StatusCode == http.StatusCreated, string(body))
	var client map[string]any
	check(json.Unmarshal(body, &client))
	return client
}

func newApplication(metadata map[string]any) *application {
	all := map[string]any{
		"client_name":               "Go",
		"redirect_uris":             []string{env("REDIRECT_URI")},
		"post_logout_redirect_uris": []string{env("POST_LOGOUT_URI")},
		"scope":                     "openid profile email offline_access",
	}
	for name, value := range metadata {
		all[name] = value
	}
	client := register(all)
	secret, _ := client["client_secret"].(string)
	provider, err := oidc.NewProvider(ctx, issuer)
	check(err)
	return &application{
		oauth2.Config{
			ClientID:     client["client_id"].(string),
			ClientSecret: secret,
			Endpoint:     provider.Endpoint(),
			RedirectURL:  env("REDIRECT_URI"),
			Scopes:       scopes,
		},
		provider,
		newVisitor(),
	}
}

// authorize signs a person in, and returns the parameters of the authorization response with the PKCE verifier and the nonce.
func (a *application) authorize(options ...oauth2.AuthCodeOption) (url.Values, string, string) {
	verifier, state, nonce := oauth2.GenerateVerifier(), oauth2.GenerateVerifier(), oauth2.GenerateVerifier()
	options = append(options, oauth2.S256ChallengeOption(verifier), oidc.Nonce(nonce))
	back := a.visitor.signIn(a.AuthCodeURL(state, options...)).Query()
	require(back.Get("state") == state && back.Get("iss") == issuer, back)
	return back, verifier, nonce
}

func (a *application) signIn() (*oauth2.Token, *oidc.IDToken) {
	back, verifier, nonce := a.authorize()
	token, err := a.Exchange(ctx, back.Get("code"), oauth2.VerifierOption(verifier))
	check(err)
	return token, a.verify(token, nonce)
}

func (a *application) verify(token *oauth2.Token, nonce string) *oidc.IDToken {
	raw, found := token.Extra("id_token").(string)
	require(found, "no ID token")
	verified, err := a.provider.Verifier(&oidc.Config{ClientID: a.ClientID}).Verify(ctx, raw)
	check(err)
	require(verified.Nonce == nonce, "nonce", verified.Nonce)
	return verified
}

// refusal returns the error code of a refused token request.
func refusal(_ *oauth2.Token, err error) string {
	var refused *oauth2.RetrieveError
	require(errors.As(err, &refused), "no refusal, but", err)
	require(refused.ErrorDescription != "", "no description", refused)
	return refused.ErrorCode
}

func (a *application) refresh(token string) (*oauth2.Token, error) {
	return a.TokenSource(ctx, &oauth2.Token{RefreshToken: token}).Token()
}

// life is what an application does with a person, from sign-in to sign-out.
func (a *application) life() {
	token, id := a.signIn()
	userinfo, err := a.provider.UserInfo(ctx, oauth2.StaticTokenSource(token))
	check(err)
	require(userinfo.Subject == id.Subject && userinfo.Email == env("USER_NAME")+"@example.com", userinfo)
	var claims struct {
		PreferredUsername string `json:"preferred_username"`
	}
	check(userinfo.Claims(&claims))
	require(claims.PreferredUsername == env("USER_NAME"), claims)

	// The client refreshes by itself when the token has expired.
	token.Expiry = time.Now().Add(-time.Minute)
	client := a.Client(ctx, token)
	response, err := client.Get(env("USERS_URL") + "/user")
	check(err)
	require(response.StatusCode == http.StatusOK, response.Status)
	var user struct{ ID string }
	check(json.NewDecoder(response.Body).Decode(&user))
	response.Body.Close()
	require(user.ID == id.Subject, user)
	refreshed, err := client.Transport.(*oauth2.Transport).Source.Token()
	check(err)
	require(refreshed.RefreshToken != token.RefreshToken && refreshed.AccessToken != token.AccessToken, "nothing new")
	require(a.verify(refreshed, "").Subject == id.Subject, "another subject")

	// The session spares a second password, and ends at the sign-out.
	back, _, _ := a.authorize(oauth2.SetAuthURLParam("prompt", "none"))
	require(back.Has("code"), back)
	var metadata struct {
		EndSession string `json:"end_session_endpoint"`
	}
	check(a.provider.Claims(&metadata))
	end := url.Values{
		"id_token_hint":            {token.Extra("id_token").(string)},
		"post_logout_redirect_uri": {env("POST_LOGOUT_URI")},
		"state":                    {"bye"},
	}
	left := a.visitor.open(metadata.EndSession + "?" + end.Encode())
	require(left.left && left.url.String() == env("POST_LOGOUT_URI")+"?state=bye", left)
	back, _, _ = a.authorize(oauth2.SetAuthURLParam("prompt", "none"))
	require(back.Get("error") == "login_required", back)
}

// Without a word about the method, the library tries the header first and the form after it.
func secret() {
	newApplication(nil).life()
}

func postedSecret() {
	newApplication(map[string]any{"token_endpoint_auth_method": "client_secret_post"}).life()
}

func public() {
	newApplication(map[string]any{"token_endpoint_auth_method": "none", "id_token_signed_response_alg": "ES256"}).life()
}

// An API verifies the access tokens that are for it, with the same library.
func api() {
	audience := "https://stock.example/api"
	client := register(map[string]any{
		"client_name":   "Robot",
		"redirect_uris": []string{},
		"grant_types":   []string{"client_credentials"},
		"audiences":     []string{audience},
		"scope":         "profile",
	})
	robot := clientcredentials.Config{
		ClientID:       client["client_id"].(string),
		ClientSecret:   client["client_secret"].(string),
		TokenURL:       issuer + "/oauth2/token",
		EndpointParams: url.Values{"resource": {audience}},
	}
	token, err := robot.Token(ctx)
	check(err)
	provider, err := oidc.NewProvider(ctx, issuer)
	check(err)
	verify := func(audience string) (*oidc.IDToken, error) {
		// Access tokens are signed with ES256, whatever the clients are registered for.
		config := &oidc.Config{ClientID: audience, SupportedSigningAlgs: []string{oidc.ES256}}
		return provider.Verifier(config).Verify(ctx, token.AccessToken)
	}
	verified, err := verify(audience)
	check(err)
	require(verified.Subject == robot.ClientID, verified)
	_, err = verify("https://bank.example/api")
	require(err != nil, "the token is not for this API")
	robot.EndpointParams = url.Values{"resource": {"https://bank.example/api"}}
	require(refusal(robot.Token(ctx)) == "invalid_target", "the robot may not call the bank")
	robot.ClientSecret = "guessed"
	require(refusal(robot.Token(ctx)) == "invalid_client", "the secret is wrong")
}

func device() {
	box := newApplication(map[string]any{
		"client_name":                "Film Box",
		"grant_types":                []string{"urn:ietf:params:oauth:grant-type:device_code", "refresh_token"},
		"redirect_uris":              []string{},
		"post_logout_redirect_uris":  []string{},
		"token_endpoint_auth_method": "none",
	})
	answer := func(said string) (*oauth2.Token, error) {
		codes, err := box.DeviceAuth(ctx)
		check(err)
		at := box.visitor.open(codes.VerificationURIComplete)
		if at.url.Path == "/login" {
			at = box.visitor.submit(at, "/login", map[string]string{"user_name": env("USER_NAME"), "password": env("PASSWORD")})
		}
		box.visitor.submit(at, "/device", map[string]string{"answer": said})
		return box.DeviceAccessToken(ctx, codes)
	}
	token, err := answer("allow")
	check(err)
	box.verify(token, "")
	_, err = box.refresh(token.RefreshToken)
	check(err)
	require(refusal(answer("deny")) == "access_denied", "the person said no")
}

// The application is called when the session ends somewhere else (OpenID Connect Back-Channel Logout).
func backchannel() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)
	received := make(chan string, 1)
	go http.Serve(listener, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		received <- r.PostFormValue("logout_token")
	}))
	there := newApplication(map[string]any{"backchannel_logout_uri": "http://" + listener.Addr().String() + "/logout"})
	_, id := there.signIn()
	var session struct {
		ID string `json:"sid"`
	}
	check(id.Claims(&session))

	here := newApplication(nil)
	here.visitor = there.visitor
	here.life()
	select {
	case raw := <-received:
		verifier := there.provider.Verifier(&oidc.Config{ClientID: there.ClientID})
		token, err := verifier.VerifyLogout(ctx, raw)
		check(err)
		require(token.Subject == id.Subject && token.SessionID == session.ID && session.ID != "", token, session)
		_, err = here.provider.Verifier(&oidc.Config{ClientID: here.ClientID}).VerifyLogout(ctx, raw)
		require(err != nil, "the logout token is for the other application")
	case <-time.After(30 * time.Second):
		panic("no logout token came")
	}
}

func mistakes() {
	mine, other := newApplication(nil), newApplication(nil)
	// Without this the library would try the form after each refusal, and return the refusal of that.
	mine.Endpoint.AuthStyle, other.Endpoint.AuthStyle = oauth2.AuthStyleInHeader, oauth2.AuthStyleInHeader

	// The browser stays here when the client or the redirect URI is wrong.
	challenge := oauth2.S256ChallengeOption(oauth2.GenerateVerifier())
	for _, change := range []oauth2.AuthCodeOption{
		oauth2.SetAuthURLParam("redirect_uri", "https://mallory.example/"),
		oauth2.SetAuthURLParam("client_id", "nobody"),
	} {
		at := mine.visitor.open(mine.AuthCodeURL("s", challenge, change))
		require(!at.left && at.status == http.StatusBadRequest, at)
	}
	at := mine.visitor.open(mine.AuthCodeURL("s"))
	require(at.left && at.url.Query().Get("error") == "invalid_request", "PKCE is required", at)

	// Codes: without and with another verifier, of another client, with a wrong secret, and twice.
	back, _, _ := mine.authorize()
	require(refusal(mine.Exchange(ctx, back.Get("code"))) == "invalid_grant", "no verifier")
	back, _, _ = mine.authorize()
	wrong := oauth2.VerifierOption(oauth2.GenerateVerifier())
	require(refusal(mine.Exchange(ctx, back.Get("code"), wrong)) == "invalid_grant", "another verifier")
	back, verifier, _ := mine.authorize()
	right := oauth2.VerifierOption(verifier)
	require(refusal(other.Exchange(ctx, back.Get("code"), right)) == "invalid_grant", "another client")
	back, verifier, nonce := mine.authorize()
	right = oauth2.VerifierOption(verifier)
	stranger := mine.Config
	stranger.ClientSecret = "guessed"
	require(refusal(stranger.Exchange(ctx, back.Get("code"), right)) == "invalid_client", "a wrong secret")
	token, err := mine.Exchange(ctx, back.Get("code"), right)
	check(err)
	mine.verify(token, nonce)
	require(refusal(mine.Exchange(ctx, back.Get("code"), right)) == "invalid_grant", "a used code")
	require(refusal(mine.refresh(token.RefreshToken)) == "invalid_grant", "its tokens")
	_, err = mine.provider.UserInfo(ctx, oauth2.StaticTokenSource(token))
	require(err != nil, "userinfo takes a token that was revoked")

	// Refresh tokens: of another client, made up, and one that was used long ago.
	token, _ = mine.signIn()
	require(refusal(other.refresh(token.RefreshToken)) == "invalid_grant", "another client's refresh token")
	require(refusal(mine.refresh("made-up")) == "invalid_grant", "a refresh token that never was")
	next, err := mine.refresh(token.RefreshToken)
	check(err)
	_, err = mine.refresh(next.RefreshToken)
	check(err)
	require(refusal(mine.refresh(token.RefreshToken)) == "invalid_grant", "a refresh token whose successor was used")
	require(refusal(mine.refresh(next.RefreshToken)) == "invalid_grant", "the whole family is revoked")

	// An ID token is for one client, and its issuer is compared to the letter.
	_, err = oidc.NewProvider(ctx, issuer+"/")
	require(err != nil, "another issuer")
}

func main() {
	chapters := map[string]func(){
		"secret": secret, "posted_secret": postedSecret, "public": public, "api": api, "device": device, "backchannel": backchannel,
		"errors": mistakes,
	}
	for _, name := range os.Args[1:] {
		chapters[name]()
		fmt.Println(name)
	}
}
