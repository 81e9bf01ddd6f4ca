import com.nimbusds.jose.JOSEException;
import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.proc.BadJOSEException;
import com.nimbusds.jwt.JWT;
import com.nimbusds.oauth2.sdk.AuthorizationCodeGrant;
import com.nimbusds.oauth2.sdk.AuthorizationGrant;
import com.nimbusds.oauth2.sdk.ErrorObject;
import com.nimbusds.oauth2.sdk.OAuth2Error;
import com.nimbusds.oauth2.sdk.ParseException;
import com.nimbusds.oauth2.sdk.RefreshTokenGrant;
import com.nimbusds.oauth2.sdk.ResponseType;
import com.nimbusds.oauth2.sdk.Scope;
import com.nimbusds.oauth2.sdk.TokenRequest;
import com.nimbusds.oauth2.sdk.auth.ClientSecretBasic;
import com.nimbusds.oauth2.sdk.auth.Secret;
import com.nimbusds.oauth2.sdk.http.HTTPRequest;
import com.nimbusds.oauth2.sdk.http.HTTPResponse;
import com.nimbusds.oauth2.sdk.id.ClientID;
import com.nimbusds.oauth2.sdk.id.Issuer;
import com.nimbusds.oauth2.sdk.id.State;
import com.nimbusds.oauth2.sdk.pkce.CodeChallengeMethod;
import com.nimbusds.oauth2.sdk.pkce.CodeVerifier;
import com.nimbusds.oauth2.sdk.token.AccessToken;
import com.nimbusds.openid.connect.sdk.AuthenticationRequest;
import com.nimbusds.openid.connect.sdk.AuthenticationResponseParser;
import com.nimbusds.openid.connect.sdk.LogoutRequest;
import com.nimbusds.openid.connect.sdk.Nonce;
import com.nimbusds.openid.connect.sdk.OIDCTokenResponse;
import com.nimbusds.openid.connect.sdk.OIDCTokenResponseParser;
import com.nimbusds.openid.connect.sdk.op.OIDCProviderMetadata;
import com.nimbusds.openid.connect.sdk.token.OIDCTokens;
import com.nimbusds.openid.connect.sdk.validators.IDTokenValidator;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.URI;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;

/**
 * A web application that signs people in through Vestibule, and shows their profile.
 *
 * <p>Authorization code with PKCE, a confidential client, sessions in memory. Everything that belongs to signing in is done by
 * Nimbus' SDK; what is written here is what an application has to decide for itself.
 */
public class App {
    static final int PORT = Integer.parseInt(environment("PORT", "3000"));
    static final URI HERE = URI.create(environment("BASE_URL", "http://localhost:" + PORT));
    static final boolean SECURE = "https".equals(HERE.getScheme());
    static final Issuer ISSUER = new Issuer(environment("ISSUER", "http://localhost:8000"));
    static final URI USER = URI.create(environment("USERS_URL", "http://localhost:8001") + "/user");
    static final int TIMEOUT_MILLIS = 10_000;

    /** Ten minutes for somebody to sign in, and a working day for a session. */
    static final Store<SignIn> SIGN_INS = new Store<>("sign-in", Duration.ofMinutes(10));

    static final Store<Session> SESSIONS = new Store<>("session", Duration.ofHours(8));

    static ClientSecretBasic client;
    static OIDCProviderMetadata vestibule;

    /** What the answer of Vestibule is compared with. */
    record SignIn(State state, Nonce nonce, CodeVerifier verifier) {}

    /** The tokens of somebody who is signed in. */
    static class Session {
        final JWT idToken;
        OIDCTokens tokens;
        Instant until;

        Session(OIDCTokens received) {
            idToken = received.getIDToken();
            store(received);
        }

        private void store(OIDCTokens received) {
            tokens = received;
            until = Instant.now().plusSeconds(received.getAccessToken().getLifetime() - 10);
        }

        /** Vestibule answers with a new refresh token, and the old one is used up: one request at a time refreshes. */
        synchronized AccessToken accessToken(Instant now) throws IOException, ParseException {
            if (until.isBefore(now)) store(redeem(new RefreshTokenGrant(tokens.getRefreshToken())));
            return tokens.getAccessToken();
        }
    }

    /** One value for each browser, under a cookie. Each has a new id, so that a planted cookie is worth nothing, and ends by itself. */
    static class Store<T> {
        record Entry<T>(T value, Instant ends) {}

        final String cookie;
        final Duration age;
        final Map<String, Entry<T>> entries = new ConcurrentHashMap<>();

        Store(String name, Duration age) {
            this.cookie = SECURE ? "__Host-" + name : name;
            this.age = age;
        }

        /** What the browser has, or null. */
        T get(HttpExchange exchange) {
            Entry<T> entry = entries.get(id(exchange));
            return entry != null && Instant.now().isBefore(entry.ends) ? entry.value : null;
        }

        /** Ends what the browser has, and begins another value, or none. */
        void replace(HttpExchange exchange, T next) {
            entries.remove(id(exchange));
            String id = next == null ? "" : new State().getValue();
            if (next != null) entries.put(id, new Entry<>(next, Instant.now().plus(age)));
            exchange.getResponseHeaders()
                    .add(
                            "Set-Cookie",
                            cookie + "=" + id + "; Path=/; Max-Age=" + (next == null ? 0 : age.toSeconds())
                                    + "; HttpOnly; SameSite=Lax" + (SECURE ? "; Secure" : ""));
        }

        void deleteEnded() {
            entries.values().removeIf(entry -> entry.ends.isBefore(Instant.now()));
        }

        private String id(HttpExchange exchange) {
            String cookies = Objects.toString(exchange.getRequestHeaders().getFirst("Cookie"), "");
            for (String pair : cookies.split("; ")) {
                if (pair.startsWith(cookie + "=")) return pair.substring(cookie.length() + 1);
            }
            return "";
        }
    }

    /** The token endpoint does not take the code or the refresh token. */
    static class GrantRefused extends IOException {
        GrantRefused(ErrorObject error) {
            super(error.getCode() + ": " + error.getDescription());
        }
    }

    static HTTPResponse send(HTTPRequest request) throws IOException {
        request.setConnectTimeout(TIMEOUT_MILLIS);
        request.setReadTimeout(TIMEOUT_MILLIS);
        return request.send();
    }

    static OIDCTokens redeem(AuthorizationGrant grant) throws IOException, ParseException {
        var request = new TokenRequest.Builder(vestibule.getTokenEndpointURI(), client, grant).build();
        var parsed = OIDCTokenResponseParser.parse(send(request.toHTTPRequest()));
        if (!parsed.indicatesSuccess()) {
            ErrorObject error = parsed.toErrorResponse().getErrorObject();
            if (OAuth2Error.INVALID_GRANT.equals(error)) throw new GrantRefused(error);
            throw new IOException(error.getCode() + ": " + error.getDescription());
        }
        return ((OIDCTokenResponse) parsed.toSuccessResponse()).getOIDCTokens();
    }

    static void login(HttpExchange exchange) throws IOException {
        var signIn = new SignIn(new State(), new Nonce(), new CodeVerifier());
        SIGN_INS.replace(exchange, signIn);
        var request =
                new AuthenticationRequest.Builder(
                                ResponseType.CODE,
                                new Scope("openid", "profile", "email"),
                                client.getClientID(),
                                HERE.resolve("/callback"))
                        .endpointURI(vestibule.getAuthorizationEndpointURI())
                        .state(signIn.state)
                        .nonce(signIn.nonce)
                        .codeChallenge(signIn.verifier, CodeChallengeMethod.S256)
                        .build();
        redirect(exchange, request.toURI());
    }

    static void callback(HttpExchange exchange) throws IOException, ParseException, BadJOSEException, JOSEException {
        SignIn begun = SIGN_INS.get(exchange);
        if (begun == null) {
            redirect(exchange, URI.create("/"));
            return;
        }
        var answer = AuthenticationResponseParser.parse(HERE.resolve(exchange.getRequestURI()));
        // An answer that this browser has not asked for changes nothing, whatever else it says.
        if (!begun.state.equals(answer.getState())) {
            redirect(exchange, URI.create("/"));
            return;
        }
        // What it is compared with is good for one answer.
        SIGN_INS.replace(exchange, null);
        // Two servers could be mixed up by somebody who controls one of them (RFC 9207).
        if (!ISSUER.equals(answer.getIssuer())) throw new IOException("this answer is not from our server");
        if (!answer.indicatesSuccess()) {
            throw new IOException(answer.toErrorResponse().getErrorObject().toString());
        }
        var code = answer.toSuccessResponse().getAuthorizationCode();
        OIDCTokens tokens = redeem(new AuthorizationCodeGrant(code, HERE.resolve("/callback"), begun.verifier));
        new IDTokenValidator(ISSUER, client.getClientID(), JWSAlgorithm.RS256, vestibule.getJWKSetURI().toURL())
                .validate(tokens.getIDToken(), begun.nonce);
        SESSIONS.replace(exchange, new Session(tokens));
        redirect(exchange, URI.create("/"));
    }

    static void home(HttpExchange exchange) throws IOException, ParseException {
        Session session = SESSIONS.get(exchange);
        if (session == null) {
            page(exchange, 200, "<p>Nobody is signed in here.</p><p><a href=\"/login\">Sign in</a></p>");
            return;
        }
        var request = new HTTPRequest(HTTPRequest.Method.GET, USER);
        request.setAuthorization(session.accessToken(Instant.now()).toAuthorizationHeader());
        HTTPResponse answer = send(request);
        if (answer.getStatusCode() == 401) {
            // Signed out elsewhere, or disabled.
            SESSIONS.replace(exchange, null);
            redirect(exchange, URI.create("/"));
            return;
        }
        answer.ensureStatusCode(200);
        var user = answer.getBodyAsJSONObject();
        page(
                exchange,
                200,
                "<p>Hello, <strong>" + escape(user.get("user_name")) + "</strong>.</p><pre>" + escape(user) + "</pre>"
                        + "<form method=\"post\"><button formaction=\"/refresh\">Refresh the token</button>"
                        + "<button formaction=\"/logout\">Sign out</button></form>");
    }

    static void refreshNow(HttpExchange exchange) throws IOException, ParseException {
        Session session = SESSIONS.get(exchange);
        if (session != null) session.accessToken(Instant.MAX);
        redirect(exchange, URI.create("/"));
    }

    static void logout(HttpExchange exchange) throws IOException {
        Session session = SESSIONS.get(exchange);
        SESSIONS.replace(exchange, null);
        if (session == null) {
            redirect(exchange, URI.create("/"));
            return;
        }
        redirect(
                exchange,
                new LogoutRequest(vestibule.getEndSessionEndpointURI(), session.idToken, HERE.resolve("/"), null).toURI());
    }

    static void handle(HttpExchange exchange) throws IOException {
        try {
            String site = exchange.getRequestHeaders().getFirst("Sec-Fetch-Site");
            if (exchange.getRequestMethod().equals("POST") && site != null && !site.equals("same-origin")) {
                page(exchange, 403, "<p>This form was sent from another site.</p>");
                return;
            }
            switch (exchange.getRequestMethod() + " " + exchange.getRequestURI().getPath()) {
                case "GET /" -> home(exchange);
                case "GET /login" -> login(exchange);
                case "GET /callback" -> callback(exchange);
                case "POST /refresh" -> refreshNow(exchange);
                case "POST /logout" -> logout(exchange);
                default -> page(exchange, 404, "<p>There is nothing here.</p>");
            }
        } catch (Exception error) {
            System.err.println(error);
            // The refresh token is not taken any more. Another failure passes.
            if (error instanceof GrantRefused) SESSIONS.replace(exchange, null);
            page(exchange, 502, "<p>This did not work.</p><p><a href=\"/\">Try again</a> or <a href=\"/login\">sign in</a></p>");
        } finally {
            exchange.close();
        }
    }

    static void redirect(HttpExchange exchange, URI target) throws IOException {
        exchange.getResponseHeaders().set("Location", target.toString());
        exchange.sendResponseHeaders(303, -1);
    }

    static String escape(Object text) {
        return String.valueOf(text).replace("&", "&amp;").replace("<", "&lt;").replace("\"", "&quot;").replace("'", "&#39;");
    }

    static void page(HttpExchange exchange, int status, String body) throws IOException {
        byte[] bytes =
                ("<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">"
                                + "<title>Web example</title><h1>Web example</h1>" + body)
                        .getBytes("UTF-8");
        exchange.getResponseHeaders().set("Content-Type", "text/html; charset=utf-8");
        exchange.getResponseHeaders().set("Content-Security-Policy", "default-src 'none'; base-uri 'none'");
        exchange.getResponseHeaders().set("Cache-Control", "no-store");
        exchange.sendResponseHeaders(status, bytes.length);
        exchange.getResponseBody().write(bytes);
    }

    static String environment(String name, String otherwise) {
        return Objects.requireNonNullElse(System.getenv(name), otherwise);
    }

    public static void main(String[] arguments) throws Exception {
        if (System.getenv("CLIENT_ID") == null || System.getenv("CLIENT_SECRET") == null) {
            System.err.printf(
                    "Set CLIENT_ID and CLIENT_SECRET to what this prints:%n  vestibule client add 'Web example'"
                            + " --redirect-uri %s/callback --post-logout-redirect-uri %s/%n",
                    HERE, HERE);
            System.exit(2);
        }
        client = new ClientSecretBasic(new ClientID(System.getenv("CLIENT_ID")), new Secret(System.getenv("CLIENT_SECRET")));
        vestibule = OIDCProviderMetadata.resolve(ISSUER, TIMEOUT_MILLIS, TIMEOUT_MILLIS);
        var timer = Executors.newSingleThreadScheduledExecutor();
        timer.scheduleAtFixedRate(SIGN_INS::deleteEnded, 1, 1, TimeUnit.MINUTES);
        timer.scheduleAtFixedRate(SESSIONS::deleteEnded, 1, 1, TimeUnit.MINUTES);
        // In seconds: nobody holds one of the threads for longer.
        System.setProperty("sun.net.httpserver.maxReqTime", "10");
        System.setProperty("sun.net.httpserver.maxRspTime", "30");
        HttpServer server = HttpServer.create(new InetSocketAddress("127.0.0.1", PORT), 0);
        server.createContext("/", App::handle);
        server.setExecutor(Executors.newFixedThreadPool(8));
        server.start();
        System.out.println("The application is at " + HERE);
    }
}
