// An application that uses the OAuth 2.0 SDK of Nimbus. It takes ISSUER, USERS_URL, ADMIN_TOKEN, REDIRECT_URI, POST_LOGOUT_URI, USER_NAME
// and PASSWORD from the environment and the chapters from the command line. It prints the name of each chapter that ended well; a
// failed assertion ends it.
import com.nimbusds.jose.*
import com.nimbusds.jose.jwk.*
import com.nimbusds.jose.jwk.gen.*
import com.nimbusds.jose.util.JSONObjectUtils
import com.nimbusds.oauth2.sdk.*
import com.nimbusds.oauth2.sdk.auth.*
import com.nimbusds.oauth2.sdk.dpop.DefaultDPoPProofFactory
import com.nimbusds.oauth2.sdk.http.HTTPRequest
import com.nimbusds.oauth2.sdk.id.*
import com.nimbusds.oauth2.sdk.jarm.*
import com.nimbusds.oauth2.sdk.pkce.*
import com.nimbusds.oauth2.sdk.token.*
import com.nimbusds.openid.connect.sdk.*
import com.nimbusds.openid.connect.sdk.op.OIDCProviderMetadata
import com.nimbusds.openid.connect.sdk.validators.IDTokenValidator
import groovy.transform.Field
import java.net.http.*

@Field final Map env = System.getenv()
@Field final URI redirect = new URI(env.REDIRECT_URI)
@Field final Scope scope = new Scope('openid', 'profile', 'email', 'offline_access')
@Field final OIDCProviderMetadata op = OIDCProviderMetadata.resolve(new Issuer(env.ISSUER))

// A browser without JavaScript: it has cookies, submits forms and follows redirects within the site.
class Visitor {
    final URI site
    final client = HttpClient.newBuilder().cookieHandler(new CookieManager(null, CookiePolicy.ACCEPT_ALL)).build()

    Visitor(String site) { this.site = new URI(site) }

    // Returns the page of the site where the redirects end, or the first URL outside it, which is not opened.
    Map send(URI url, String form = null) {
        for (int hops = 0; hops < 10; hops++) {
            def request = HttpRequest.newBuilder(url)
            if (form != null) {
                request.header('content-type', 'application/x-www-form-urlencoded').header('sec-fetch-site', 'same-origin')
                    .header('origin', "${site.scheme}://${site.authority}").POST(HttpRequest.BodyPublishers.ofString(form))
            }
            def answer = client.send(request.build(), HttpResponse.BodyHandlers.ofString())
            if (answer.statusCode().intdiv(100) != 3) return [url: url, status: answer.statusCode(), body: answer.body()]
            url = url.resolve(answer.headers().firstValue('location').get())
            if (url.authority != site.authority) return [url: url, left: true]
            form = null
        }
        throw new AssertionError("too many redirects, the last to $url" as Object)
    }

    Map submit(Map page, String action, Map typed) {
        def form = page.body.split('<form').find { it.contains("action=\"$action\"") }
        assert form: "no form for $action at $page"
        def attribute = { tag, name -> (tag =~ /\s$name="([^"]*)"/).with { it ? it[0][1] : null } }
        def tags = form.split('</form>')[0].findAll(/<input[^>]*>/).findAll { attribute(it, 'type') == 'hidden' }
        def hidden = tags.collectEntries { [attribute(it, 'name'), plain(attribute(it, 'value') ?: '')] }
        def fields = (hidden + typed).collect { name, value -> "$name=${URLEncoder.encode(value, 'UTF-8')}" }
        send(page.url.resolve(action), fields.join('&'))
    }

    static String plain(String text) {
        def named = [amp: '&', lt: '<', gt: '>', quot: '"', apos: "'"]
        text.replaceAll(/&(?:#x([0-9a-fA-F]+)|#([0-9]+)|([a-z]+));/) { all, hex, number, name ->
            name ? named[name] : new String(Character.toChars(hex ? Integer.parseInt(hex, 16) : number as int))
        }
    }

    // Opens an authorization request, signs a person in if they are asked, and returns the URL of the application that follows.
    URI signIn(URI url, String name, String password) {
        def page = send(url)
        if (!page.left && page.url.path == '/login') page = submit(page, '/login', [user_name: name, password: password])
        assert page.left: "no redirect back to the application, but $page"
        page.url
    }
}

Map register(Map metadata) {
    def body = [client_name: 'Nimbus', redirect_uris: [env.REDIRECT_URI], post_logout_redirect_uris: [env.POST_LOGOUT_URI],
        scope: scope.toString()] + metadata
    def request = HttpRequest.newBuilder(new URI("${env.ISSUER}/admin/v1/clients")).header('authorization', "Bearer ${env.ADMIN_TOKEN}")
        .header('content-type', 'application/json').POST(HttpRequest.BodyPublishers.ofString(JSONObjectUtils.toJSONString(body))).build()
    def answer = HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.ofString())
    assert answer.statusCode() == 201: answer.body()
    JSONObjectUtils.parse(answer.body())
}

JWK newKey(JWSAlgorithm algorithm = JWSAlgorithm.ES256) {
    def generator = algorithm == JWSAlgorithm.ES256 ? new ECKeyGenerator(Curve.P_256) : new RSAKeyGenerator(2048)
    generator.keyID('mine').keyUse(KeyUse.SIGNATURE).algorithm(algorithm).generate()
}

// A client and how it authenticates. `dpop` makes proofs, if its tokens are bound to a key.
class Application {
    def script
    ClientID id
    Closure<ClientAuthentication> authentication
    DefaultDPoPProofFactory dpop
    JWSAlgorithm idTokenAlgorithm = JWSAlgorithm.RS256
    ResponseMode responseMode
    Visitor visitor
    Map<String, Nonce> nonces = [:]

    // Sends the request that a closure makes, with a proof where tokens are bound, and once more when the server asks for its nonce.
    def send(AccessToken token = null, Closure<HTTPRequest> make) {
        if (dpop == null) return make().send()
        def answer = null
        for (int turn = 0; turn < 2; turn++) {
            def request = make()
            request.setDPoP(dpop.createDPoPJWT(request.method.name(), request.URI, token, nonces[request.URI.authority]))
            answer = request.send()
            nonces[request.URI.authority] = answer.DPoPNonce
            if (![answer.body, answer.WWWAuthenticate].any { it?.contains('use_dpop_nonce') }) break
        }
        answer
    }

    // The authorization response, the verifier and the nonce.
    def authorize(Map changes = [:]) {
        def verifier = new CodeVerifier()
        def (state, nonce) = [new State(), new Nonce()]
        def builder = new AuthenticationRequest.Builder(changes.responseType ?: ResponseType.CODE, script.scope, id, script.redirect)
            .state(state).nonce(nonce).codeChallenge(verifier, CodeChallengeMethod.S256).endpointURI(script.op.authorizationEndpointURI)
        if (changes.prompt) builder.prompt(Prompt.parse(changes.prompt))
        if (responseMode) builder.responseMode(responseMode)
        def request = builder.build()
        if (changes.pushed) {
            def endpoint = script.op.pushedAuthorizationRequestEndpointURI
            // The same assertion comes again with the nonce.
            def mine = changes.authentication ?: authentication()
            def pushed = request
            def push = { new PushedAuthorizationRequest(endpoint, mine, pushed).toHTTPRequest() }
            def answer = PushedAuthorizationResponse.parse(send(push))
            if (changes.refused) return answer
            assert answer.indicatesSuccess(): answer.toErrorResponse().errorObject.toJSONObject()
            request = new AuthorizationRequest.Builder(answer.toSuccessResponse().requestURI, id)
                .endpointURI(script.op.authorizationEndpointURI).build()
        }
        def back = visitor.signIn(request.toURI(), script.env.USER_NAME, script.env.PASSWORD)
        def response = AuthenticationResponseParser.parse(back)
        if (responseMode) {
            def keys = script.op.JWKSetURI.toURL()
            def claims = new JARMValidator(script.op.issuer, id, JWSAlgorithm.ES256, keys).validate(response.JWTResponse)
            response = AuthenticationResponseParser.parse(script.redirect, JARMUtils.toMultiValuedStringParameters(claims))
        }
        assert response.state == state && response.issuer == script.op.issuer
        [response, verifier, nonce]
    }

    def redeem(response, CodeVerifier verifier, Map changes = [:]) {
        def grant = new AuthorizationCodeGrant(response.toSuccessResponse().authorizationCode, changes.redirect ?: script.redirect, verifier)
        token(grant, changes.authentication)
    }

    def token(AuthorizationGrant grant, ClientAuthentication proof = null) {
        // The same assertion comes again with the nonce.
        def mine = proof ?: authentication()
        def request = { new TokenRequest(script.op.tokenEndpointURI, mine ?: id, grant).toHTTPRequest() }
        OIDCTokenResponseParser.parse(send(request))
    }

    def refresh(RefreshToken token) { this.token(new RefreshTokenGrant(token)) }

    // The tokens and the verified claims of the ID token.
    def signIn(Map changes = [:]) {
        def (response, verifier, nonce) = authorize(changes)
        def answer = redeem(response, verifier)
        assert answer.indicatesSuccess(): answer.toErrorResponse().errorObject.toJSONObject()
        def tokens = answer.OIDCTokens
        [tokens, verify(tokens, nonce)]
    }

    def verify(tokens, Nonce nonce) {
        new IDTokenValidator(script.op.issuer, id, idTokenAlgorithm, script.op.JWKSetURI.toURL()).validate(tokens.IDToken, nonce)
    }

    def userinfo(AccessToken token) {
        UserInfoResponse.parse(send(token) { new UserInfoRequest(script.op.userInfoEndpointURI, token).toHTTPRequest() })
    }

    def introspect(Token token) {
        def request = new TokenIntrospectionRequest(script.op.introspectionEndpointURI, authentication(), token)
        TokenIntrospectionResponse.parse(request.toHTTPRequest().send()).toSuccessResponse()
    }

    def revoke(Token token) {
        def proof = authentication()
        def request = proof ? new TokenRevocationRequest(script.op.revocationEndpointURI, proof, token) :
            new TokenRevocationRequest(script.op.revocationEndpointURI, id, token)
        assert request.toHTTPRequest().send().statusCode == 200
    }
}

Application withSecret(Map metadata = [:]) {
    def client = register(metadata)
    def (id, secret) = [new ClientID(client.client_id), new Secret(client.client_secret)]
    new Application(script: this, id: id, visitor: new Visitor(env.ISSUER), authentication: { new ClientSecretBasic(id, secret) })
}

// A public client.
Application publicClient(Map metadata = [:]) {
    def client = register([token_endpoint_auth_method: 'none'] + metadata)
    new Application(script: this, id: new ClientID(client.client_id), visitor: new Visitor(env.ISSUER), authentication: { null })
}

// A client that authenticates with assertions. The SDK names the token endpoint as their audience unless it is given one.
Application withKey(Map metadata = [:], JWSAlgorithm algorithm = JWSAlgorithm.ES256) {
    def key = newKey(algorithm)
    def client = register([token_endpoint_auth_method: 'private_key_jwt', token_endpoint_auth_signing_alg: algorithm.name,
        jwks: [keys: [key.toPublicJWK().toJSONObject()]]] + metadata)
    def id = new ClientID(client.client_id)
    def sign = { String audience = env.ISSUER, JWSAlgorithm by = algorithm ->
        def claims = new JWTAuthenticationClaimsSet(id, new Audience(audience))
        new PrivateKeyJWT(claims, by, key.toKeyPair().private, 'mine', null)
    }
    new Application(script: this, id: id, visitor: new Visitor(env.ISSUER), authentication: sign)
}

String refusal(response) {
    assert !response.indicatesSuccess()
    def error = response.toErrorResponse().errorObject
    assert error.description
    error.code
}

void life(Application application, Map changes = [:]) {
    def (tokens, claims) = application.signIn(changes)
    def userinfo = application.userinfo(tokens.accessToken).toSuccessResponse().userInfo
    assert userinfo.subject == claims.subject && userinfo.preferredUsername == env.USER_NAME
    assert userinfo.emailAddress == "${env.USER_NAME}@example.com".toString()

    def answer = application.refresh(tokens.refreshToken)
    assert answer.indicatesSuccess(): answer.toErrorResponse().errorObject.toJSONObject()
    def refreshed = answer.OIDCTokens
    assert refreshed.accessToken.value != tokens.accessToken.value
    assert application.verify(refreshed, null).subject == claims.subject
    def bound = application.dpop != null
    def known = application.authentication() ? application.introspect(refreshed.accessToken) : null
    if (known) {
        assert known.active && known.subject.value == claims.subject.value && known.clientID == application.id
        assert (known.JWKThumbprintConfirmation != null) == bound
    }

    application.revoke(refreshed.refreshToken ?: tokens.refreshToken)
    assert refusal(application.refresh(refreshed.refreshToken ?: tokens.refreshToken)) == 'invalid_grant'
    if (known) assert !application.introspect(refreshed.accessToken).active
    def over = application.userinfo(refreshed.accessToken)
    assert !over.indicatesSuccess() && over.toErrorResponse().errorObject.code == 'invalid_token'
}

def chapters = [
    secret: { life(withSecret()) },

    public_client: {
        def application = publicClient(id_token_signed_response_alg: 'ES256')
        application.idTokenAlgorithm = JWSAlgorithm.ES256
        life(application)
    },

    // Pushed requests, assertions and bound tokens.
    private_key: {
        def application = withKey(require_pushed_authorization_requests: true, dpop_bound_access_tokens: true)
        application.dpop = new DefaultDPoPProofFactory(newKey(), JWSAlgorithm.ES256)
        life(application, [pushed: true])
    },

    // The FAPI 2.0 Security Profile.
    fapi2: {
        for (algorithm in [JWSAlgorithm.ES256, JWSAlgorithm.PS256]) {
            // The server signs with ES256 from the beginning, and with PS256 some minutes after the first client that wants it.
            def application = withKey(algorithm, profile: 'fapi2', id_token_signed_response_alg: 'ES256',
                authorization_signed_response_alg: 'ES256')
            application.idTokenAlgorithm = JWSAlgorithm.ES256
            application.dpop = new DefaultDPoPProofFactory(newKey(algorithm), algorithm)
            def tokens = application.signIn(pushed: true)[0]
            assert application.refresh(tokens.refreshToken).OIDCTokens.refreshToken == null
            life(application, [pushed: true])

            // Requests that are not pushed, assertions for an endpoint and with another algorithm, and tokens without a key.
            assert application.authorize()[0].toErrorResponse().errorObject.code == 'invalid_request'
            def sign = application.authentication
            def wrong = [sign(op.tokenEndpointURI.toString()), sign(op.pushedAuthorizationRequestEndpointURI.toString())]
            if (algorithm == JWSAlgorithm.PS256) wrong << sign(env.ISSUER, JWSAlgorithm.RS256)
            for (assertion in wrong) {
                assert refusal(application.authorize(pushed: true, refused: true, authentication: assertion)) == 'invalid_client'
            }
            def (response, verifier) = application.authorize(pushed: true)
            def dpop = application.dpop
            application.dpop = null
            assert refusal(application.redeem(response, verifier)) == 'invalid_dpop_proof'
            application.dpop = new DefaultDPoPProofFactory(newKey(), JWSAlgorithm.ES256)
            assert refusal(application.redeem(response, verifier)) == 'invalid_grant'
            application.dpop = dpop
            assert application.redeem(response, verifier).indicatesSuccess()
        }
    },

    // Signed authorization responses.
    jarm: {
        def application = withSecret(authorization_signed_response_alg: 'ES256')
        application.responseMode = ResponseMode.JWT
        life(application)
    },

    sign_out: {
        def application = withSecret()
        def (tokens, claims) = application.signIn()
        def again = application.authorize(prompt: 'none')[0]
        assert again.indicatesSuccess()
        def request = new LogoutRequest(op.endSessionEndpointURI, tokens.IDToken, new URI(env.POST_LOGOUT_URI), new State('bye'))
        def left = application.visitor.send(request.toURI())
        assert left.left && left.url.toString() == "${env.POST_LOGOUT_URI}?state=bye".toString()
        assert application.authorize(prompt: 'none')[0].toErrorResponse().errorObject.code == 'login_required'
    },

    errors: {
        def (mine, other) = [withSecret(), withSecret()]
        def (response, verifier) = mine.authorize()
        assert refusal(mine.redeem(response, new CodeVerifier())) == 'invalid_grant'
        (response, verifier) = mine.authorize()
        assert refusal(mine.redeem(response, verifier, [redirect: new URI('https://mallory.example/')])) == 'invalid_grant'
        (response, verifier) = mine.authorize()
        def guessed = new ClientSecretBasic(mine.id, new Secret('guessed'))
        assert refusal(mine.redeem(response, verifier, [authentication: guessed])) == 'invalid_client'
        assert refusal(other.redeem(response, verifier)) == 'invalid_grant'
        (response, verifier) = mine.authorize()
        def tokens = mine.redeem(response, verifier).OIDCTokens
        assert refusal(mine.redeem(response, verifier)) == 'invalid_grant'
        assert refusal(mine.refresh(tokens.refreshToken)) == 'invalid_grant'
        tokens = mine.signIn()[0]
        assert refusal(other.refresh(tokens.refreshToken)) == 'invalid_grant'
        assert !other.introspect(tokens.accessToken).active
        assert refusal(mine.token(new ClientCredentialsGrant())) == 'unauthorized_client'
        def implicit = mine.authorize(responseType: ResponseType.IDTOKEN)[0]
        assert implicit.toErrorResponse().errorObject.code == 'unsupported_response_type'

        def page = mine.visitor.send(new AuthenticationRequest.Builder(ResponseType.CODE, scope, mine.id, new URI('https://mallory.example/'))
            .codeChallenge(new CodeVerifier(), CodeChallengeMethod.S256).endpointURI(op.authorizationEndpointURI).build().toURI())
        assert !page.left && page.status == 400

        // The audience of an assertion is the issuer, and it is good once.
        def keyed = withKey()
        def sign = keyed.authentication
        (response, verifier) = keyed.authorize()
        def once = sign()
        assert refusal(keyed.token(new RefreshTokenGrant(new RefreshToken('made-up')), once)) == 'invalid_grant'
        assert refusal(keyed.redeem(response, verifier, [authentication: once])) == 'invalid_client'
    },
]

args.each { name ->
    chapters[name]()
    println name
}
