//! Scopes in plain words, for the people who are asked to allow them.

/// A sentence to the user, without a full stop, that says what an application may do with a scope. `None` for a scope that
/// an installation has defined itself.
pub(super) fn describe(scope: &str) -> Option<&'static str> {
    Some(match scope {
        "openid" => "Recognise you when you come back",
        "profile" => {
            "See your profile: your name, user name, picture, language and what else you wrote there"
        }
        "email" => "See your e-mail address",
        "phone" => "See your telephone number",
        "address" => "See your postal address",
        "groups" => "See which groups you are a member of",
        "offline_access" => "Keep this access while you are away, until you withdraw it",
        "admin" => "Administer this installation in your name: accounts, applications and keys",
        "users:read" => "See the data of every user in your name",
        "users:write" => "Change, add and delete users in your name",
        "groups:read" => "See all groups and their members in your name",
        "groups:write" => "Change, add and delete groups in your name",
        "events:read" => "Follow every change of users and groups in your name",
        "directory:delegated" => "Administer in your name the users who were delegated to you",
        _ => return None,
    })
}
