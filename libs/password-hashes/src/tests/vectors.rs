//! Hashes that other programs made. A comment above a group names the program and its version.

use crate::Scheme;

/// A password and its hash.
pub(super) struct Vector {
    pub(super) scheme: Scheme,
    pub(super) password: &'static str,
    pub(super) text: &'static str,
}

/// ASCII.
pub(super) const PLAIN: &str = "gorse-tin-vivid";
/// Letters of two bytes and of four.
pub(super) const UNICODE: &str = "Zażółć gęślą 🪿";
/// 80 bytes: longer than what bcrypt hashes.
pub(super) const LONG: &str =
    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

const fn vector(scheme: Scheme, password: &'static str, text: &'static str) -> Vector {
    Vector {
        scheme,
        password,
        text,
    }
}

/// All of them.
pub(super) static VECTORS: [Vector; 73] = [
    // argon2-cffi 25.1.0 (Python)
    vector(
        Scheme::Argon2,
        PLAIN,
        "$argon2id$v=19$m=256,t=2,p=2$c2FsdHNhbHRpZGlkaWRpZA$Ggwa+M+WQ/r8qbICWpCJo/jCD8JtaIMATAciA2oSyqc",
    ),
    vector(
        Scheme::Argon2,
        UNICODE,
        "$argon2id$v=19$m=256,t=2,p=2$c2FsdHNhbHRpZGlkaWRpZA$OnIJdcLl9mXzQp+ng57rjuEKCkMslJ6bmVLmHbcIYx8",
    ),
    vector(
        Scheme::Argon2,
        PLAIN,
        "$argon2i$v=19$m=256,t=2,p=2$c2FsdHNhbHRpaWlp$Lu0Y6SfBpxr/PA3qMrINq2GUtI/QkbYRsZac/JITLoE",
    ),
    vector(
        Scheme::Argon2,
        UNICODE,
        "$argon2i$v=19$m=256,t=2,p=2$c2FsdHNhbHRpaWlp$wHP/7olZm11wYIrR27M+w1T07iFEfoXUG/Z3pEReZ/c",
    ),
    vector(
        Scheme::Argon2,
        PLAIN,
        "$argon2d$v=19$m=256,t=2,p=2$c2FsdHNhbHRkZGRk$UaFbXu855AAe9nrT3vg4b/X8wrMY1eVNipYURpfCtoY",
    ),
    vector(
        Scheme::Argon2,
        UNICODE,
        "$argon2d$v=19$m=256,t=2,p=2$c2FsdHNhbHRkZGRk$JpGyZCJ2uH4Ij/E8wHNXMaIkFXu/b2UqE+0fIoV3Oxs",
    ),
    vector(
        Scheme::Argon2,
        PLAIN,
        "$argon2id$v=16$m=64,t=1,p=1$c2l4dGVlbiBieXRlIHNsdA$MIP5oxlWmeq6OwxMOA24zz/9sKttML9J",
    ),
    // bcrypt 5.0.0 (Python)
    vector(
        Scheme::Bcrypt,
        PLAIN,
        "$2a$04$3QxR6IUwrZwA9kxYXKidquClFby.JUsm0oinVII7LmLhldPRYO92W",
    ),
    vector(
        Scheme::Bcrypt,
        UNICODE,
        "$2a$04$AvTliq8AfGQ4OFfC73LQReYcSR5tCAIIt9/V7mjrGlDER5dS2C2qe",
    ),
    vector(
        Scheme::Bcrypt,
        PLAIN,
        "$2b$04$5ujii9zMrP9QrISEOLTmUeE3aj7HB56COPvabyGOHWml9Pmr64LNS",
    ),
    vector(
        Scheme::Bcrypt,
        UNICODE,
        "$2b$04$2dRU045FhDZTv4EO.EtWTeWu/S6xL.p9iEkK4bZaUJVMPcRBQQuxy",
    ),
    vector(
        Scheme::Bcrypt,
        "",
        "$2b$04$9EpjtOb9DAOxuDL0QpFRr.wYTO.ylrKNTXiO4lE6QdvE1Y0F7tp1e",
    ),
    vector(
        Scheme::Bcrypt,
        "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef01234567",
        "$2b$04$77T9qv9QWuYIKeKIh/uoSOuWVE9iM8b9WexIG2Bi6gb8dHfi8NMpu",
    ),
    // passlib 1.7.4 (Python)
    vector(
        Scheme::Scrypt,
        PLAIN,
        "$scrypt$ln=8,r=8,p=2$ydkbQyiFcM75/5+zVgphrA$xz8aL6md0Qe3YzKubECZiKjIyuhIqHYXp+/kNhWfAOM",
    ),
    vector(
        Scheme::Scrypt,
        UNICODE,
        "$scrypt$ln=8,r=8,p=2$k1IKoRTivJcS4pyT0tqb0w$8oh5FuhKmwrI9QTQK0aaHLPsUu9ttLKlVQ0bNwOHnzg",
    ),
    vector(
        Scheme::Pbkdf2,
        PLAIN,
        "$pbkdf2-sha256$1000$J4TQmnMO4dwbg/CeE6J07g$ip4xKyAgy/zLnpXrjOMZEL4e9HmpyZgzgR16ln5l68Q",
    ),
    vector(
        Scheme::Pbkdf2,
        UNICODE,
        "$pbkdf2-sha512$1000$Qai19v4fA2As5Zxz7v1/Lw$tTReXWH2Dv2mSMxs7vsxPrx5p9Dk0jDYnfTSTq8TOnJaB/G/FiS1OnJloS.kwIrPXNrKCuZ9iEbTA4RgBuxdJg",
    ),
    vector(
        Scheme::Pbkdf2,
        PLAIN,
        "$pbkdf2$1000$.z/H.B/D2FsL4XxP6d2bEw$2zau2.Xamzw.IylrAJFX8KxAvd4",
    ),
    vector(
        Scheme::ShaCrypt,
        UNICODE,
        "$5$rounds=1000$XSIbbWRyglRoPIfE$e8XIYwj4ITPQRWP3af0oMUgBg1RhUMB0CgONd2f1/b8",
    ),
    vector(
        Scheme::ShaCrypt,
        UNICODE,
        "$6$rounds=1234$C3lfY1DgmV2Hx/xU$CeUk71he1QzJg.cFmdudaHW/1/l0yTr9clZ0TkyOApKy9ja.2lfnJ7SOuNxmJfrLTk9bYPMAe1oRMO3dH7WzQ.",
    ),
    vector(
        Scheme::ShaCrypt,
        LONG,
        "$6$KSsW6lxF6in6een.$eev7HlUYryUPAmDkU.w1rSTIWWM9ufHJrrMxig4GZ/vcv5EeT4PUBxClVoCJTDtS7sMKaXpuEKqsKiixjoXLS0",
    ),
    vector(
        Scheme::ShaCrypt,
        LONG,
        "$5$KTV0PzBLorG9cVnO$YI6fim3fgdaZpmGaV2KN7pCG0iTzHa.3IhH2vN3S76/",
    ),
    vector(
        Scheme::ShaCrypt,
        "",
        "$5$rounds=1000$RnmyOrFEHC5xbcsk$Jo3ZYrzkNetKTkuqHpe8xYaOEhPDkJI5gn.DGrT09sB",
    ),
    vector(Scheme::Phpass, UNICODE, "$P$5mfeMnMcojem.V5H2.kg2jc79fP7bz."),
    vector(Scheme::Phpass, PLAIN, "$H$7OE3Ga7skpr6V66cXWiloHTKlm4oHu."),
    vector(Scheme::Ssha, UNICODE, "{SSHA}Y1M3O9PlNp2M+0tF6Bj+pZeXGzeJ8b73"),
    vector(
        Scheme::Ssha,
        UNICODE,
        "{SSHA256}/NjfWmEeH0aAeZUXghSPzAtYiXhwDQ01ltxcQSAIzmd17p0TAuBcaw==",
    ),
    vector(
        Scheme::Ssha,
        UNICODE,
        "{SSHA512}SkeymoSp+4/WBZZ3HvKf08lYEzwjbz9RQJapPuRLsK6v2jk7QcyplDU1MokK/6lS6/XuKTXQr04HP5lRONzJYbC2FuJcC8E4",
    ),
    // Django 5.2.19
    vector(
        Scheme::Pbkdf2,
        PLAIN,
        "pbkdf2_sha256$1000$oJItgXVxmJmGCejchVIxAR$JT5Ma5AFXDkgdHEO8LdCzbpOH609hLdvw6JutqQKowM=",
    ),
    vector(
        Scheme::Pbkdf2,
        UNICODE,
        "pbkdf2_sha256$1000$zzxgCIzAmknRdNWHOtn05n$cuAULrOp2tJlLbHeymUkEw9GZtZBkmAz0k8qJXXteo0=",
    ),
    vector(
        Scheme::Pbkdf2,
        PLAIN,
        "pbkdf2_sha1$1000$Dum9lRssJw2v$2OXKdWGHX35DC5RHdNNXBDliSEM=",
    ),
    vector(
        Scheme::Argon2,
        PLAIN,
        "argon2$argon2id$v=19$m=64,t=1,p=1$YWJjZGVmZ2gxMjM0NTY3OA$9D0leXfLBjqFH/SwEvF3DkwTrlcke/FhbbVGQhRlvAc",
    ),
    vector(
        Scheme::Bcrypt,
        PLAIN,
        "bcrypt$$2b$04$oFO2vTOdCA6oiyWNJLYCDuR3RbgAq1mloCGUABSeMTqRvJ6g8DKKu",
    ),
    // The same as Spring Security's DelegatingPasswordEncoder writes it.
    vector(
        Scheme::Bcrypt,
        PLAIN,
        "{bcrypt}$2b$04$oFO2vTOdCA6oiyWNJLYCDuR3RbgAq1mloCGUABSeMTqRvJ6g8DKKu",
    ),
    // openssl passwd, OpenSSL 3.0.19
    vector(
        Scheme::ShaCrypt,
        PLAIN,
        "$5$sYZ/gM3cOpYg7di9$DDAMXggcPqJFP2gJWvOkpdlOkMdanMOZhqBnfWs/nn/",
    ),
    vector(
        Scheme::ShaCrypt,
        PLAIN,
        "$6$GdUhmx9Z8sQ9fA8i$gc1/CTsXNMPGlVHz1ntPtlw/1CQgPxK1CisW0OJloyPjmF4qwLl0wVpl2mgMbI519Znlk2Iyq61CtCPlkiqTe0",
    ),
    vector(
        Scheme::ShaCrypt,
        UNICODE,
        "$5$VWe3qyldxRXxcXp2$8BSDg8DlvNDB6YRd8Jq6RMlyt9ngUpMEKYPA0ONYlt9",
    ),
    vector(
        Scheme::ShaCrypt,
        UNICODE,
        "$6$90nyn2I1udJGgu48$T9zGb.Zw4NyvVeioCXnmTDJ5ZF6uZH6Fn4Vx8WDV.sMiLqR9w3GNDrYlV56gMguX8zNKsm3zRYFAmVvFPob3./",
    ),
    // mkpasswd 5.5.17 (libxcrypt 4.4.33)
    vector(
        Scheme::ShaCrypt,
        PLAIN,
        "$6$rounds=1000$3sEmqA.vG1D.KX67$d8bROg9D5A7vh9tFDX0o8w/08Vr.vGtOdd.6nWBchqXLRW7Aa7QpaO6EmawqgARRnKvM6zYD18LgqgK4E7RTY.",
    ),
    vector(
        Scheme::ShaCrypt,
        PLAIN,
        "$5$rounds=1000$sxIo3oUVj0kcsoz9$R1ANRxu20n0POzJUqHk/zL72aAywjU9apCpGfEDc9e1",
    ),
    vector(
        Scheme::Bcrypt,
        PLAIN,
        "$2b$05$Ervv8cltMdZy9uilmuXnqeymj9PUry0Pv0InDk5KDC59T.7iDXVRO",
    ),
    vector(
        Scheme::Bcrypt,
        PLAIN,
        "$2a$05$NuOmsyosninvSwsx0tdKl.fiwZfp3NVouzNfI9lLUZbMVQosICH1a",
    ),
    // slappasswd (OpenLDAP 2.5.13)
    vector(Scheme::Ssha, PLAIN, "{SSHA}xGcCMbQUTupRlIR1WMaX5xPpCPPHZAqC"),
    vector(Scheme::Ssha, UNICODE, "{SSHA}WANA+EYFFVA1YQNZ81HIpP47mS0Z5zBP"),
    vector(
        Scheme::Ssha,
        PLAIN,
        "{SSHA256}dWvBRASMJjvBow1Ds0zAxPuDcgyaosLoX7V/V2pmmT7IOvMFhTJ/dA==",
    ),
    vector(
        Scheme::Ssha,
        UNICODE,
        "{SSHA256}rTkHxgpZ3KmfIdcaafyZsn9yFlrvrhJCYZK5RK7BgYNGRvBWiSZtwg==",
    ),
    vector(
        Scheme::Ssha,
        PLAIN,
        "{SSHA512}dm3X/PVWEJcXH9bwpsYKuAiTjticaaRo4Vhpd8jlRbAKp+shid0oXuR2m4w3ZI2UXVCuTLgoXIBIaX0lXOsmhxwvK7+R07hQ",
    ),
    vector(
        Scheme::Ssha,
        UNICODE,
        "{SSHA512}g8WdhrWaYeQKuucokF5pVCC9UNE6RgCK3CpFpNVnMdaVN1iXegxhnEZpXwAMQ8QkJtnLToiA3C7MaHzb5Mwi9xJDVyo/AWtU",
    ),
    vector(
        Scheme::ShaCrypt,
        PLAIN,
        "{CRYPT}$6$TlzplW2FmnrvCsCK$xU2J54662M2vJxW7oLfvqPgO4P20LcgKAlVcFRcdvB17AIDqWlcjJqVq593.rzVyS8kOHQAx4AqPExBlPtxmW0",
    ),
    // PHP 8.2.36
    vector(
        Scheme::Bcrypt,
        PLAIN,
        "$2y$04$hQ1EeOf5/dc/SYFVM35CnO.fIXnuAOQ0eAL/YhhYPjX93WM8aPW8q",
    ),
    vector(
        Scheme::Bcrypt,
        UNICODE,
        "$2y$04$ql.mxsLdNNgZ0Ziamk001eRYjHaxzqEVEOw.TBX4zXUyUxCy0QSG2",
    ),
    vector(
        Scheme::Bcrypt,
        LONG,
        "$2y$04$2uYPpqT4c617OjKEmQiNg.WcCGUoyrKfgb/22KB.ROhWg7gcewspa",
    ),
    vector(
        Scheme::Bcrypt,
        PLAIN,
        "$2x$04$abcdefghijklmnopqrstuuxqXgk6YQqNu9I5DXcoswuuJR7HiQjO6",
    ),
    vector(
        Scheme::Argon2,
        PLAIN,
        "$argon2id$v=19$m=256,t=2,p=1$UWJ3elM0NzhSODdldW1Hcw$bUxTU0/mD2B7nITF2hzqZzqgPD7R6iUoJHYWLP8tYNk",
    ),
    vector(
        Scheme::ShaCrypt,
        PLAIN,
        "$5$rounds=1000$abcdefgh$WSZRah8.qaY1HipNBD8Ha.51IS1Int4mjiscrhjbOj1",
    ),
    vector(
        Scheme::ShaCrypt,
        PLAIN,
        "$6$rounds=1000$abcdefghijklmnop$vbrxie/N1FgXHAgdqe//zyPAIAUq4tPCuJVRQjLAim5.nMSFTjhpklZu9i1XiZL.OyEyXgUPcX94Ondbhwd7Z1",
    ),
    // aspnet-identity-pw 1.0.2 (npm)
    vector(
        Scheme::Pbkdf2,
        PLAIN,
        "AHrLVUUOIPJSR0omHW+V3uP7bXyRpDkIJEfbhPTpyqP+RICa0ycJpm6nniTONVY+vA==",
    ),
    vector(
        Scheme::Pbkdf2,
        UNICODE,
        "AB3CLhFZa3FK/Jz8o2abvaL0uP5QdaZwuzKgjtK+i4ir+/47gMFidDifiPR+UsFw7g==",
    ),
    // aspnetcore-identity-password-hasher 1.0.1 (npm)
    vector(
        Scheme::Pbkdf2,
        PLAIN,
        "AQAAAAEAACcQAAAAEHGE+O64Gz8LB1zezowoFLUYoQMH+FsAX7O48UUj3N+Y8ZDS6j1g48ozSjSlc/VcTw==",
    ),
    vector(
        Scheme::Pbkdf2,
        UNICODE,
        "AQAAAAEAACcQAAAAEPVL3od85lshAKzp3KAo9vkY9DJnD00elgzHNUX0Nxw2/ZGIZ/L7m7Vo7tJOxAuoQA==",
    ),
    // firebase-scrypt 2.2.0 (npm)
    vector(
        Scheme::FirebaseScrypt,
        "user1password",
        "$firebase-scrypt$ln=14,r=8,ss=Bw==,sk=jxspr8Ki0RYycVU8zykbdLGjFQ3McFUH0uiiTvC8pVMXAn210wjLNmdZJzxUECKbm0QsEmYUSDzZvpjeJ9WmXA==$42xEC+ixf3L2lw==$lSrfV15cpx95/sZS2W9c9Kp6i/LVgQNDNC/qzrCnh1SAyZvqmZqAjTdn3aoItz+VHjoZilo78198JAdRuid5lQ==",
    ),
    vector(
        Scheme::FirebaseScrypt,
        UNICODE,
        "$firebase-scrypt$ln=14,r=8,ss=Bw==,sk=jxspr8Ki0RYycVU8zykbdLGjFQ3McFUH0uiiTvC8pVMXAn210wjLNmdZJzxUECKbm0QsEmYUSDzZvpjeJ9WmXA==$c2FsdCBvZiB0ZW4=$y2LzgzxaGwBBGbMFyN8EDFmz50OEtysTBTgKNtswbKYzv1lE9Zfw+bUhrTXPwK3jfuWlFX3l21FiOtwelWIEgw==",
    ),
    // wordpress-hash-node 1.0.0 (npm)
    vector(Scheme::Phpass, PLAIN, "$P$BrBXG8B2OSt1IgFFqASYFPBC5c07SP0"),
    // Node.js 20.20.2
    vector(
        Scheme::Scrypt,
        PLAIN,
        "$scrypt$ln=10,r=8,p=1$BykdCf3K+pvU4sw5Ts/LuQ$TfFbbnT4anahIeb0odeeSGhJebN3g50rqIWRNpmf4mQ",
    ),
    // Keycloak 26.0.0, Pbkdf2PasswordHashProvider and Argon2PasswordHashProvider
    vector(
        Scheme::Pbkdf2,
        PLAIN,
        r#"{"type":"password","secretData":"{\"value\":\"KBJCfsprZjH/ZHDB6HygnovjmUbew2vDW7WCWKLgsLe1rBxDzRUO37J6/Q2JRQtL0Y+Q7xzaZROoaP82iyDqxg==\",\"salt\":\"UvyrkVwiamZsjkbgycv4Sg==\",\"additionalParameters\":{}}","credentialData":"{\"hashIterations\":1000,\"algorithm\":\"pbkdf2-sha512\",\"additionalParameters\":{}}"}"#,
    ),
    vector(
        Scheme::Pbkdf2,
        PLAIN,
        r#"{"type":"password","secretData":"{\"value\":\"Tf3kWKRA9CPhe7jiFYDK5B2TjJ0YwB1JVgOP/iYGGBinDU8xr/hjUmKz7+x4NXhHGCUAIMmdzz+uSvmH7FVhnw==\",\"salt\":\"SM189YTX/rPVm6I9QfD86Q==\",\"additionalParameters\":{}}","credentialData":"{\"hashIterations\":1000,\"algorithm\":\"pbkdf2-sha256\",\"additionalParameters\":{}}"}"#,
    ),
    vector(
        Scheme::Pbkdf2,
        UNICODE,
        r#"{"type":"password","secretData":"{\"value\":\"rXsgrlUFmloKwkg5Kejw3P4MSjlceh9YNWANK+XmdRb8E2a3ZCuHoZgf5KZi5FzVF5czVzQNmZ5CvE3X/UbouQ==\",\"salt\":\"rqpOu3WX+qiN+5Y9I/Wmxg==\",\"additionalParameters\":{}}","credentialData":"{\"hashIterations\":1000,\"algorithm\":\"pbkdf2-sha512\",\"additionalParameters\":{}}"}"#,
    ),
    vector(
        Scheme::Pbkdf2,
        UNICODE,
        r#"{"type":"password","secretData":"{\"value\":\"vQ0oFJHNmYZbodFgdIobRpxhOqI5gGIKSeTD4DHSzwQzc+8fFoxjkeMuZQiLTjGvlEVc+eaqZxxrMeHwYvA1Jg==\",\"salt\":\"kwlqtOHvlxGx+zM2DmzbwQ==\",\"additionalParameters\":{}}","credentialData":"{\"hashIterations\":1000,\"algorithm\":\"pbkdf2-sha256\",\"additionalParameters\":{}}"}"#,
    ),
    vector(
        Scheme::Pbkdf2,
        PLAIN,
        r#"{"type":"password","secretData":"{\"value\":\"rZhjCtgDnI4+oWK4qWLEk87qFte2x9pooybC26mMoOHlFdoQeFZQjIMgVX6YTEXKndcTMEC3XwKXlGEmpGuuIw==\",\"salt\":\"wtpDGBDT96jvaxAbG5qPew==\",\"additionalParameters\":{}}","credentialData":"{\"hashIterations\":1000,\"algorithm\":\"pbkdf2\",\"additionalParameters\":{}}"}"#,
    ),
    vector(
        Scheme::Argon2,
        PLAIN,
        r#"{"type":"password","secretData":"{\"value\":\"nU1IbOOJRIkbSIhSDqo7PlayhlJAnMmiTbRPKP6IN6o=\",\"salt\":\"gH6kZTAkGN8/OT6rIPEmuA==\",\"additionalParameters\":{}}","credentialData":"{\"hashIterations\":2,\"algorithm\":\"argon2\",\"additionalParameters\":{\"hashLength\":[\"32\"],\"memory\":[\"256\"],\"type\":[\"id\"],\"version\":[\"1.3\"],\"parallelism\":[\"1\"]}}"}"#,
    ),
    vector(
        Scheme::Argon2,
        UNICODE,
        r#"{"type":"password","secretData":"{\"value\":\"U2KYAzC3/gKvX+qeWZ4dINF61Ep77v4Hlw5zoxXHVyk=\",\"salt\":\"26gRgFaiF5rpIinS0EyMTA==\",\"additionalParameters\":{}}","credentialData":"{\"hashIterations\":2,\"algorithm\":\"argon2\",\"additionalParameters\":{\"hashLength\":[\"32\"],\"memory\":[\"256\"],\"type\":[\"id\"],\"version\":[\"1.3\"],\"parallelism\":[\"1\"]}}"}"#,
    ),
    // Python 3.11.7, hashlib.pbkdf2_hmac and struct
    vector(
        Scheme::Pbkdf2,
        PLAIN,
        "AQAAAAIAAAPoAAAAEHuuSOaDiir6c2e6Frv0fEbpXLSOLec62ElLfqagSaJuywR7yIjLOwf0e1VpQ4ytUA==",
    ),
    vector(
        Scheme::Pbkdf2,
        PLAIN,
        "AQAAAAAAAAPoAAAAEHuuSOaDiir6c2e6Frv0fEYeEynEcAUORyItMbIm8xtIz7Myp/AET5aybsq7dzfuTw==",
    ),
];
