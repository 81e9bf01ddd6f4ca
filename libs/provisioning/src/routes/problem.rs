//! Problem details (RFC 9457) of the provisioning routes.

use chassis::http::Problem;
use http::StatusCode;

use super::super::ProvisioningError;

impl From<ProvisioningError> for Problem {
    fn from(error: ProvisioningError) -> Self {
        match error {
            ProvisioningError::Invalid(invalid) => Self::invalid().field(invalid.field, invalid.detail),
            ProvisioningError::NoEncryption => Self::new(
                StatusCode::CONFLICT,
                "encryption-missing",
                "The service has no encryption key",
            )
            .detail(
                "The credentials of targets are encrypted. Add `[encryption]` with `active = \"k1\"` and \
                 `[encryption.keys]` with `k1` (32 bytes in base64; or `k1_file`, the path of a file that holds them) to \
                 the configuration of this service, and start it again.",
            )
            .with("missing", "encryption.active"),
            ProvisioningError::NotFound => Self::not_found(),
            ProvisioningError::NameTaken => Self::conflict("Another target has this name."),
            ProvisioningError::TooMany => Self::conflict("There are as many targets as there may be."),
            ProvisioningError::Paused => Self::conflict("The target is paused; enable it first."),
            ProvisioningError::Checking => Self::conflict("A drift check of this target is under way."),
            ProvisioningError::Remote(error) => Self::new(
                StatusCode::BAD_GATEWAY,
                "provisioning-target-failed",
                "The target failed",
            )
            .detail(error.to_string()),
            ProvisioningError::Db(error) => error.into(),
            other @ ProvisioningError::Cipher(_) => Self::internal(&other),
        }
    }
}
