//! The descriptions of the routes of this crate, for the OpenAPI document of the service.

use chassis::openapi::{ErrorType, Operation, Response};
use contract::paths::provisioning::{
    DRIFT_CHECK, DRY_RUN, RESOURCE, RESOURCES, RETRY, RETRY_RESOURCE, SYNC, TARGET, TARGETS,
};
use http::Method;

use crate::dry_run::DryRunPage;
use crate::routes::drift::{CheckBody, CheckResponse, DryRunBody};
use crate::routes::resources::{Page as ResourcePage, PageQuery as ResourceQuery, Retried};
use crate::routes::response::{Page, TargetResponse};
use crate::routes::{CreateTarget, PageQuery, Patch, SyncBody};
use crate::store::resources::Resource;

/// The group of outbound provisioning.
pub const PROVISIONING_TAG: (&str, &str) = (
    "Provisioning",
    "The applications whose SCIM endpoints users and groups are pushed to, and what became of each.",
);

const ENCRYPTION_MISSING: ErrorType = ErrorType::problem(
    409,
    "encryption-missing",
    "the service has no `[encryption]`, with which it keeps the credentials of targets",
);
const NAME_TAKEN: ErrorType = ErrorType::problem(
    409,
    "conflict",
    "another target has the name, or there are as many targets as there may be",
);

/// The descriptions of all routes of this crate.
pub fn operations() -> Vec<Operation> {
    let mut all = targets();
    all.extend(resources());
    all.extend(comparisons());
    all.into_iter()
        .map(|operation| operation.tag(PROVISIONING_TAG.0))
        .collect()
}

fn targets() -> Vec<Operation> {
    vec![
        Operation::new(
            Method::GET,
            TARGETS,
            "listProvisioningTargets",
            "Lists provisioning targets",
        )
        .query::<PageQuery>()
        .response(Response::new(200, "A page, in the order of the ids.").json::<Page>()),
        Operation::new(
            Method::POST,
            TARGETS,
            "createProvisioningTarget",
            "Creates a provisioning target",
        )
        .description("What the directory has is pushed at once, and from then on what changes.")
        .json::<CreateTarget>()
        .response(
            Response::new(201, "The target.")
                .json::<TargetResponse>()
                .header("Location", "Its path."),
        )
        .error(ENCRYPTION_MISSING)
        .error(NAME_TAKEN),
        Operation::new(
            Method::GET,
            TARGET,
            "readProvisioningTarget",
            "Returns a provisioning target and its progress",
        )
        .response(Response::new(200, "The target.").json::<TargetResponse>()),
        Operation::new(
            Method::PATCH,
            TARGET,
            "changeProvisioningTarget",
            "Changes a provisioning target",
        )
        .description(
            "A JSON merge patch (RFC 7396) without `null`; `rules` and `credentials` are replaced as a whole. What other \
             rules bring about is pushed at once.",
        )
        .json::<Patch>()
        .response(Response::new(200, "The target.").json::<TargetResponse>())
        .error(ENCRYPTION_MISSING)
        .error(NAME_TAKEN),
        Operation::new(
            Method::DELETE,
            TARGET,
            "deleteProvisioningTarget",
            "Deletes a provisioning target",
        )
        .description("The accounts at the target stay as they are.")
        .response(Response::new(204, "It is deleted.")),
        Operation::new(
            Method::POST,
            SYNC,
            "syncProvisioningTarget",
            "Pushes everything that differs",
        )
        .description(
            "Compares the whole directory with what was pushed; with `verify`, with what the target has of it.",
        )
        .json::<SyncBody>()
        .optional_body()
        .response(Response::new(202, "It is under way.")),
    ]
}

fn resources() -> Vec<Operation> {
    vec![
        Operation::new(
            Method::POST,
            RETRY,
            "retryProvisioningTarget",
            "Pushes once more what was dead-lettered",
        )
        .response(Response::new(202, "How many users and groups.").json::<Retried>()),
        Operation::new(
            Method::GET,
            RESOURCES,
            "listProvisionedResources",
            "Lists the users and groups at a target",
        )
        .query::<ResourceQuery>()
        .response(Response::new(200, "A page, in the order of the ids.").json::<ResourcePage>()),
        Operation::new(
            Method::GET,
            RESOURCE,
            "readProvisionedResource",
            "Returns a user or group at a target",
        )
        .response(Response::new(200, "It.").json::<Resource>()),
        Operation::new(
            Method::POST,
            RETRY_RESOURCE,
            "retryProvisionedResource",
            "Pushes a user or group once more",
        )
        .description("The target is asked what it has of it.")
        .response(Response::new(202, "It.").json::<Resource>()),
    ]
}

const TARGET_FAILED: ErrorType = ErrorType::problem(
    502,
    "provisioning-target-failed",
    "the target cannot be reached, or refuses",
);
const PAUSED: ErrorType = ErrorType::problem(
    409,
    "conflict",
    "the target is paused, or a check of it is under way",
);

fn comparisons() -> Vec<Operation> {
    vec![
        Operation::new(
            Method::POST,
            DRY_RUN,
            "dryRunProvisioning",
            "Returns the pushes that a sync would make",
        )
        .description(
            "The target is asked what it has; nothing is written, there or here. With `rules`, what those would bring about.",
        )
        .json::<DryRunBody>()
        .optional_body()
        .response(Response::new(200, "A page.").json::<DryRunPage>())
        .error(ENCRYPTION_MISSING)
        .error(TARGET_FAILED),
        Operation::new(
            Method::POST,
            DRIFT_CHECK,
            "beginDriftCheck",
            "Compares what the target has with what it should have",
        )
        .json::<CheckBody>()
        .optional_body()
        .response(Response::new(202, "The check, which is under way.").json::<CheckResponse>())
        .error(PAUSED),
        Operation::new(
            Method::GET,
            DRIFT_CHECK,
            "readDriftCheck",
            "Returns the last drift check, or the one under way",
        )
        .response(Response::new(200, "The check.").json::<CheckResponse>()),
    ]
}
