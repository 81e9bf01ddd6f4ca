//! The HTTP interface: one file an endpoint. Every route takes its permission as an extractor; the documents that
//! SCIM wants public are listed in [`scim`].

mod caller;
mod registrations;
mod scim;
#[cfg(test)]
mod tests;
mod user;

use axum::Router;
use axum::middleware::from_extractor_with_state;
use axum::routing::{get, post};
use chassis::access::{Admin, EventsRead};

use crate::app::SharedApp;
use caller::Directory;

/// Every route of the public port.
pub(crate) fn routes(app: SharedApp) -> Router {
    Router::new()
        .route("/user", get(user::show).patch(user::patch))
        .route("/registrations", post(registrations::register))
        .nest("/scim/v2", scim::routes())
        // Public: the contract holds nothing of this installation.
        .merge(events::asyncapi_routes())
        .merge(events::routes().route_layer(
            // The feed asks for the scope; this, whether a person with it may still act.
            from_extractor_with_state::<Directory<EventsRead>, _>(app.clone()),
        ))
        .merge(
            events::operations::routes()
                .merge(webhooks::routes())
                .route_layer(from_extractor_with_state::<Directory<Admin>, _>(app.clone())),
        )
        .with_state(app)
}

/// Reads a body of `POST /registrations`.
#[cfg(test)]
pub(crate) fn read_registration(
    body: serde_json::Value,
) -> Result<contract::RegistrationRequested, serde_json::Error> {
    serde_json::from_value::<registrations::Command>(body).map(registrations::Command::into_event)
}
