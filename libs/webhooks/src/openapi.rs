//! The descriptions of the routes of this crate, for the OpenAPI documents of the services.

use chassis::openapi::{ErrorType, Operation, Response};
use contract::paths::webhooks::{
    DELIVERIES, DELIVERY, REPLAY, REPLAY_DELIVERY, ROTATE_SECRET, TEST, WEBHOOK, WEBHOOKS,
};
use http::Method;

use crate::routes::deliveries::{Page as DeliveryPage, PageQuery as DeliveryQuery, Replayed};
use crate::routes::{CreateWebhook, Page, PageQuery, Patch, Rotate, WebhookResponse};
use crate::store::log::Delivery;

/// The group of the webhooks.
pub const WEBHOOKS_TAG: (&str, &str) = (
    "Webhooks",
    "Subscriptions of receivers outside to events, and the log of deliveries.",
);

const ENCRYPTION_MISSING: ErrorType = ErrorType::problem(
    409,
    "encryption-missing",
    "the service has no `[encryption]`, with which it keeps the secrets of webhooks",
);
const DISABLED: ErrorType = ErrorType::problem(409, "conflict", "the webhook is disabled");

/// The descriptions of all routes of this crate.
pub fn operations() -> Vec<Operation> {
    let mut all = subscriptions();
    all.extend(deliveries());
    all.into_iter()
        .map(|operation| operation.tag(WEBHOOKS_TAG.0))
        .collect()
}

fn subscriptions() -> Vec<Operation> {
    vec![
        Operation::new(Method::GET, WEBHOOKS, "listWebhooks", "Lists webhooks")
            .query::<PageQuery>()
            .response(Response::new(200, "A page, in the order of the ids.").json::<Page>()),
        Operation::new(Method::POST, WEBHOOKS, "createWebhook", "Creates a webhook")
            .description("Only this response and that of a rotation have the secret.")
            .json::<CreateWebhook>()
            .response(
                Response::new(201, "The webhook.")
                    .json::<WebhookResponse>()
                    .header("Location", "Its path."),
            )
            .error(ENCRYPTION_MISSING),
        Operation::new(Method::GET, WEBHOOK, "readWebhook", "Returns a webhook")
            .response(Response::new(200, "The webhook.").json::<WebhookResponse>()),
        Operation::new(Method::PATCH, WEBHOOK, "changeWebhook", "Changes a webhook")
            .description("A JSON merge patch (RFC 7396) without `null`.")
            .json::<Patch>()
            .response(Response::new(200, "The webhook.").json::<WebhookResponse>()),
        Operation::new(
            Method::DELETE,
            WEBHOOK,
            "deleteWebhook",
            "Deletes a webhook and what it was to deliver",
        )
        .response(Response::new(204, "It is deleted.")),
        Operation::new(
            Method::POST,
            ROTATE_SECRET,
            "rotateWebhookSecret",
            "Changes the secret of a webhook",
        )
        .description("Both secrets sign for a while, so that the receiver can change over.")
        .json::<Rotate>()
        .optional_body()
        .response(Response::new(200, "The webhook with its new secret.").json::<WebhookResponse>())
        .error(ENCRYPTION_MISSING)
        .error(ErrorType::problem(
            409,
            "conflict",
            "the secret from before the last rotation still signs; `force` ends that",
        )),
    ]
}

fn deliveries() -> Vec<Operation> {
    vec![
        Operation::new(
            Method::POST,
            TEST,
            "testWebhook",
            "Sends an event that says nothing, once",
        )
        .response(Response::new(202, "Its delivery.").json::<Delivery>())
        .error(DISABLED)
        .error(ENCRYPTION_MISSING),
        Operation::new(
            Method::POST,
            REPLAY,
            "replayWebhook",
            "Delivers again what was dead-lettered",
        )
        .response(Response::new(202, "How many deliveries.").json::<Replayed>()),
        Operation::new(
            Method::GET,
            DELIVERIES,
            "listDeliveries",
            "Lists the deliveries of a webhook, newest first",
        )
        .query::<DeliveryQuery>()
        .response(Response::new(200, "A page.").json::<DeliveryPage>()),
        Operation::new(Method::GET, DELIVERY, "readDelivery", "Returns a delivery")
            .response(Response::new(200, "The delivery.").json::<Delivery>()),
        Operation::new(
            Method::POST,
            REPLAY_DELIVERY,
            "replayDelivery",
            "Delivers an event again",
        )
        .response(Response::new(202, "Its delivery.").json::<Delivery>()),
    ]
}
