//! The page for people who are not assigned to an application.

use contract::EmailAddress;
use http::StatusCode;
use oidc::client::WebUri;

use crate::clients::Client;
use crate::html::ErrorPage;

/// The page that tells a person that they are not assigned to a client, and whom to ask.
pub(crate) fn not_assigned(client: &Client, user_name: &str) -> ErrorPage {
    let name = client.display_name();
    let contact = client.metadata.contacts.first();
    let ask = match contact {
        Some(contact) => format!("To get access, ask {contact}."),
        None => "To get access, ask the people who run it.".to_owned(),
    };
    let page = ErrorPage::new(
        StatusCode::FORBIDDEN,
        format!("You have no access to {name}"),
        format!("You are signed in as {user_name}, and this account is not assigned to {name}. {ask}"),
    );
    match contact.and_then(|contact| link(contact)) {
        Some((label, url)) => page.with_action(label, url),
        None => page,
    }
}

/// The label and the URL of a link to a contact: to an e-mail address, or to a page.
fn link(contact: &str) -> Option<(String, String)> {
    if let Ok(address) = contact.parse::<EmailAddress>() {
        return Some((
            format!("Write to {contact}"),
            format!("mailto:{}", address.as_str()),
        ));
    }
    let page: WebUri = contact.parse().ok()?;
    Some(("Ask for access".to_owned(), page.as_str().to_owned()))
}
