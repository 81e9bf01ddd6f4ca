//! Problem details (RFC 9457) of the webhook routes.

use chassis::http::Problem;
use http::StatusCode;

use super::super::WebhookError;

impl From<WebhookError> for Problem {
    fn from(error: WebhookError) -> Self {
        match error {
            WebhookError::Invalid { field, detail } => Self::invalid().field(field, detail),
            WebhookError::NoEncryption => Self::new(
                StatusCode::CONFLICT,
                "encryption-missing",
                "The service has no encryption key",
            )
            .detail(
                "The secrets of webhooks are encrypted. Add `[encryption]` with `active = \"k1\"` and \
                 `[encryption.keys]` with `k1` (32 bytes in base64; or `k1_file`, the path of a file that holds them) to \
                 the configuration of this service, and start it again. `vestibule up` has made such files in its data \
                 directory: `secrets/encryption-k1` for auth, `secrets/users-encryption-k1` for users.",
            )
            .with("missing", "encryption.active"),
            WebhookError::NotFound => Self::not_found(),
            WebhookError::Disabled => Self::conflict("The webhook is disabled; enable it first."),
            WebhookError::Rotating(until) => Self::conflict(format!(
                "The secret from before the last rotation signs until {until}. Another rotation would end that now, and \
                 the receiver may know no other: wait, or ask with `\"force\": true`."
            )),
            WebhookError::Db(error) => error.into(),
            other @ (WebhookError::Cipher(_) | WebhookError::Json(_)) => Self::internal(&other),
        }
    }
}
