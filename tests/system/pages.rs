//! Helpers that use the pages over plain HTTP: sign-up, sign-in and sign-out.

use testkit::{Page, Person, Stack, Visitor, eventually};

/// A visitor without cookies.
pub(crate) fn anonymous(stack: &Stack) -> Visitor {
    Visitor::at(&stack.auth_url(""))
}

/// Submits the registration form and returns the page that follows.
pub(crate) async fn sign_up(visitor: &mut Visitor, person: &Person) -> Page {
    let page = visitor.open("/register").await;
    let email = person.email();
    visitor
        .submit(
            &page,
            "/register",
            &[
                ("user_name", &person.user_name),
                ("email", &email),
                ("password", &person.password),
            ],
        )
        .await
}

/// Signs up, waits for the user service on the waiting page if necessary, and returns the page that follows.
pub(crate) async fn sign_up_and_wait(visitor: &mut Visitor, person: &Person) -> Page {
    let landed = sign_up(visitor, person).await;
    if landed.url.path() != "/register/wait" {
        return landed;
    }
    let ready = eventually("the account is ready", async || {
        let page = visitor.open(landed.url.as_str()).await;
        page.has_form("/register/wait").then_some(page)
    })
    .await;
    visitor.submit(&ready, "/register/wait", &[]).await
}

/// Submits the sign-in form and returns the page that follows.
pub(crate) async fn sign_in(visitor: &mut Visitor, person: &Person) -> Page {
    let page = visitor.open("/login").await;
    fill_sign_in(visitor, &page, person).await
}

/// Fills the sign-in form that `page` shows.
pub(crate) async fn fill_sign_in(visitor: &mut Visitor, page: &Page, person: &Person) -> Page {
    visitor
        .submit(
            page,
            "/login",
            &[("user_name", &person.user_name), ("password", &person.password)],
        )
        .await
}

/// Signs out by the button of the home page.
pub(crate) async fn sign_out(visitor: &mut Visitor) -> Page {
    let home = visitor.open("/").await;
    visitor.submit(&home, "/logout", &[]).await
}

/// True if the visitor's home page greets them as signed in.
pub(crate) async fn is_signed_in(visitor: &mut Visitor) -> bool {
    visitor.open("/").await.has_form("/logout")
}
