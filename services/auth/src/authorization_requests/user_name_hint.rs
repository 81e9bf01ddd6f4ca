//! The user name to offer on the sign-in page.

use chassis::db::DbError;
use chassis::secret::Token;
use oidc::authorize::Addressed;
use oidc::params::Params;

use super::HANDLE_PARAMETER;
use crate::app::App;
use crate::{accounts, grants, subjects};

/// The user name that the authorization request in `query`, the query of its address, expects: its `login_hint`, or the
/// name of the person of its `id_token_hint` (OpenID Connect Core §3.1.2.1). A name is shown only in a browser in which that
/// person has signed in before, by its `device`; whoever has no more than an old ID token would learn it otherwise. `browser`
/// is the browser's cookie.
///
/// # Errors
/// When the database fails.
pub async fn user_name_hint(
    app: &App,
    query: &str,
    browser: Option<&Token>,
    device: Option<&Token>,
) -> Result<Option<String>, DbError> {
    let handle = Params::parse_lenient(query)
        .ok()
        .and_then(|params| params.only(HANDLE_PARAMETER).map(Token::new));
    let saved = match (handle, browser) {
        (Some(handle), Some(browser)) => super::find(app, &handle, browser).await?,
        _ => None,
    };
    let query = saved.as_ref().map_or(query, |request| &request.query);
    let Some(request) = Addressed::parse(query)
        .ok()
        .and_then(|asked| asked.request().ok())
    else {
        return Ok(None);
    };
    if let Some(hint) = request.login_hint {
        return Ok(Some(hint).filter(|hint| !hint.chars().any(char::is_control)));
    }
    let subject = request
        .id_token_hint
        .and_then(|hint| grants::id_token_hint(app, &hint).verified())
        .and_then(|claims| claims.sub.parse().ok());
    let (Some(subject), Some(device)) = (subject, device) else {
        return Ok(None);
    };
    let mut reader = app.db.reader().await?;
    if !accounts::is_device_of(&mut reader, device, subject).await? {
        return Ok(None);
    }
    Ok(subjects::find(&mut reader, subject)
        .await?
        .map(|subject| subject.user_name))
}
